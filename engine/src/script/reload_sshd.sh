by_systemd=
[ ! -d /run/systemd/system ] || by_systemd=yes
main() {
	if [ -n "$by_systemd" ]; then systemctl show -p MainPID --value ssh.service; else cat /run/sshd.pid; fi 2>/dev/null
}
# The numbers of the sockets on which it listens (0A in proc_net(5)), one a line.
ears() {
	listening=$(awk '$4 == "0A" { print $10 }' "/proc/$1/net/tcp" "/proc/$1/net/tcp6" 2>/dev/null)
	for fd in "/proc/$1/fd/"*; do
		readlink "$fd" 2>/dev/null
	done | sed -n 's/^socket:\[\(.*\)\]$/\1/p' | grep -xF -e "${listening:-none}"
}
pid=$(main) before=none
case ${pid:-0} in
0)
	[ -n "$by_systemd" ] || die "sshd does not run"
	# Started for each connection, it reads its configuration each time.
	! systemctl is-active -q ssh.socket || exit 0
	systemctl reset-failed ssh.service 2>/dev/null
	said=$(systemctl start ssh.service 2>&1) || die "sshd does not start: $said"
	;;
*)
	if [ -z "$by_systemd" ]; then
		before=$(ears "$pid")
		kill -s HUP "$pid" || die "sshd was not reloaded"
	elif systemctl is-active -q ssh.socket; then
		# Its sockets are systemd's own and stay the same, whoever listens.
		said=$(systemctl restart ssh.service 2>&1) || die "sshd was not restarted: $said"
	else
		before=$(ears "$pid")
		said=$(systemctl reload ssh.service 2>&1) || die "sshd was not reloaded: $said"
	fi
	;;
esac
# Until it has new ones, and none of those from before, it may still let in whom it let in before.
tries=0
while [ "$tries" -lt 50 ]; do
	pid=$(main)
	now=$(ears "${pid:-0}")
	if [ -n "$now" ] && ! printf '%s\n' "$now" | grep -qxF -e "$before"; then exit 0; fi
	tries=$((tries + 1))
	sleep 0.1
done
[ "${pid:-0}" != 0 ] || die "sshd ended when it read its new configuration"
die "sshd did not read its new configuration within 5 seconds"
