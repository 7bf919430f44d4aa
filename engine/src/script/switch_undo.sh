# Argument: "after" if what is put back must be made effective. It is undone now, or has been already.
D=${S%/*}/switch
[ -d "$D" ] || exit 0
{ read -r pid <"$L/switch"; } 2>/dev/null || pid=none
sh "$D/restore" "$D" 0 "$1" "$L/switch" "$U"
tries=0
while [ -e "$D/undoing" ] && [ "$tries" -lt 300 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
[ -e "$D/undone" ] || die "not all of it could be put back"
! grep -qsF "$D/restore" "/proc/$pid/cmdline" || kill -s KILL -- "-$pid"
[ ! -e "$D/failed" ] || die "not all of it could be put back"
rm -rf -- "$D" "$L/switch"
