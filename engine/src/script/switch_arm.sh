# Arguments: seconds, the program that restores, what makes a restored file effective, the paths.
D=$L/switch seconds=$1 restore=$2 after=$3
shift 3
alive() {
	[ -e "$D/armed" ] || [ -e "$D/undoing" ] || return
	read -r pid <"$D/pid" && grep -qsF "$D/restore" "/proc/$pid/cmdline"
}
! alive || die "an earlier guarded change on this host is neither confirmed nor undone yet; that takes a minute, try again then"
rm -rf -- "$D"
umask 077
mkdir -m 700 -- "$D" || exit

# What is kept lies beside what it is to replace: to put it back is to rename it, which a full disk does not prevent.
number=0
for path do
	number=$((number + 1)) kept= access=
	whose "$path"
	if [ -d "$path" ] && [ ! -L "$path" ]; then
		access=$(as stat -c '%u:%g %a' -- "$path") || exit
	elif [ -e "$path" ] || [ -L "$path" ]; then
		[ -L "$path" ] || [ -f "$path" ] || die "$path is neither a file nor a directory nor a link, so it cannot be put back"
		box=${path%/*}/.comply-switch
		as rm -rf -- "$box.$number"
		as mkdir -m 700 -- "$box.$number" && kept=$box.$number/${path##*/} && as cp -a -- "$path" "$kept" ||
			die "could not keep a copy of $path beside it"
	fi
	printf '%s\n' "$W" "${W:+$G}" "${W:+$I}" "$path" "$kept" "$access" >"$D/$number" || exit
done
printf '%s\n' "$restore" >"$D/restore" && printf '%s\n' 'die() { printf "%s\n" "$*" >&2; exit 1; }' "$after" >"$D/after" && : >"$D/armed" || exit

# The one that restores must outlive this session, whatever ends it: systemd's own child, or the leader of a new session.
if ! { [ -O / ] && [ -d /run/systemd/system ] &&
	systemd-run --quiet --collect --unit="comply-switch-$$-$seconds" -- sh "$D/restore" "$D" "$seconds" after >/dev/null 2>&1; }; then
	command -v setsid >/dev/null || { rm -f -- "$D/armed"; die "there is neither systemd nor setsid on the host, so nothing could put it back"; }
	setsid sh "$D/restore" "$D" "$seconds" after </dev/null >/dev/null 2>&1 &
fi
tries=0
until [ -s "$D/pid" ]; do
	tries=$((tries + 1))
	[ "$tries" -lt 100 ] || { rm -f -- "$D/armed"; die "what puts the host back did not start"; }
	sleep 0.1
done
