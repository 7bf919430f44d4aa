# One enforcing run per host at a time: a lock while a script runs, a lease of a minute between two of them.
if [ -O / ]; then
	L=/run/comply S=/var/backups/comply/$run U=/etc/systemd/system
else
	L=$HOME/.cache/comply S=$HOME/.local/state/comply/$run U=
fi
[ -d /run/systemd/system ] || U=
lease() { printf '%s\n' "$run $(($(date +%s) + 60)) $who" >"$L/lease"; }
release() { rm -f -- "$L/lease"; }
refuse() {
	printf '%s\n' "$*" >&2
	return 1
}
lock() {
	command -v flock >/dev/null || refuse "there is no flock on the host (package util-linux), so two runs could meet" || return
	mkdir -p -- "$L" && (: >>"$L/lock") || return
	exec 9>>"$L/lock"
	holder= until=0 by=
	[ ! -f "$L/lease" ] || read -r holder until by <"$L/lease"
	if ! flock -n 9; then
		# The other one may be about to write who it is.
		for moment in 1 2 3 4 5; do
			[ -z "$holder" ] || break
			sleep 0.2
			[ ! -f "$L/lease" ] || read -r holder until by <"$L/lease"
		done
		refuse "another comply enforce is changing this host right now${holder:+: $by, run $holder}" || return
	fi
	# Read again: it may have changed until the lock was had.
	[ ! -f "$L/lease" ] || read -r holder until by <"$L/lease"
	if [ -n "$holder" ] && [ "$holder" != "$run" ] && [ "$until" -gt "$(date +%s)" ]; then
		refuse "another comply enforce is changing this host: $by, run $holder; if it is dead, its turn ends within a minute" || return
	fi
	lease
}
begin 0
lock
end || exit 0
