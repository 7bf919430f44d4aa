# Arguments: where the switch is, seconds to wait, "after" if what was put back must be made effective or "boot" if the
# host has just started, where the number of the one that waits is kept, the directory of the unit that starts it then.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
trap '' HUP PIPE
D=$1
if [ "$3" = boot ] && { read -r pid <"$4"; } 2>/dev/null && [ "$pid" != "$$" ] && grep -qsF "$D/restore" "/proc/$pid/cmdline"; then
	exit 0
fi
if [ "$2" != 0 ]; then
	printf '%s\n' "$$" >"$4"
	sleep "$2"
fi
# While the host shuts down nothing is begun or made effective: it is undone when it starts again.
again=
stopping() { [ -n "$5" ] && [ "$3" != boot ] && [ "$(systemctl is-system-running 2>/dev/null)" = stopping ]; }
! stopping "$@" || exit 3
# Only one can rename it: this, or whoever confirms the change. After a restart, one that was cut short is finished.
mv -T -- "$D/armed" "$D/undoing" 2>/dev/null || { [ "$3" = boot ] && [ -e "$D/undoing" ] && again=yes; } || exit 3
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
		IFS= read -r was
	} <"$one"
	if [ -n "$was" ] && [ "$(as stat -c '%i %z' -- "$path" 2>/dev/null)" = "$was" ]; then
		# Nobody has touched it: to replace it would only look like a change.
		as rm -rf -- "${kept%/*}"
	elif [ -n "$again" ] && [ -n "$kept" ] && as test ! -e "$kept" -a ! -L "$kept"; then
		as rm -rf -- "${kept%/*}"
	elif [ -n "$kept" ]; then
		as mv -fT -- "$kept" "$path" && as rmdir -- "${kept%/*}"
	elif [ -n "$access" ]; then
		as chown -- "${access% *}" "$path" && as chmod -- "${access#* }" "$path"
	else
		as rm -f -- "$path"
	fi || status=1
done
sync
if [ "$3" = after ] && ! sh "$D/after"; then
	! stopping "$@" || exit 1
	status=1
fi
[ "$status" = 0 ] || : >"$D/failed"
[ -z "$5" ] || rm -f -- "$5/comply-switch.service" "$5/multi-user.target.wants/comply-switch.service"
mv -T -- "$D/undoing" "$D/undone"
exit "$status"
