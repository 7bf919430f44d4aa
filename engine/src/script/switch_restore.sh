# Arguments: where the switch is, seconds to wait, "after" if what was put back must be made effective.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
trap '' HUP PIPE
D=$1
if [ "$2" != 0 ]; then
	printf '%s\n' "$$" >"$D/pid"
	sleep "$2"
fi
# Only one can rename it: this, or whoever confirms the change.
mv -T -- "$D/armed" "$D/undoing" 2>/dev/null || exit 3
as() {
	if [ -z "$W" ]; then "$@"; else setpriv --reuid "$W" --regid "$G" "$I" -- "$@"; fi
}
status=0
for one in "$D"/[0-9]*; do
	{
		IFS= read -r W
		IFS= read -r G
		IFS= read -r I
		IFS= read -r path
		IFS= read -r kept
		IFS= read -r access
	} <"$one"
	if [ -n "$kept" ]; then
		as mv -fT -- "$kept" "$path" && as rmdir -- "${kept%/*}"
	elif [ -n "$access" ]; then
		as chown -- "${access% *}" "$path" && as chmod -- "${access#* }" "$path"
	else
		as rm -f -- "$path"
	fi || status=1
done
sync
if [ "$3" = after ]; then sh "$D/after" || status=1; fi
[ "$status" = 0 ] || : >"$D/failed"
mv -T -- "$D/undoing" "$D/undone"
exit "$status"
