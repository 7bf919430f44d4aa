for key in /etc/ssh/ssh_host_*_key; do
	[ ! -f "$key" ] || break
done
# For these alone, with an empty configuration file: nothing of the host's takes part.
canonical() {
	set -f
	IFS=$nl
	set -- $1
	IFS=$usual
	set +f
	count=$#
	while [ "$count" -gt 0 ]; do
		set -- "$@" -o "$1"
		shift
		count=$((count - 1))
	done
	sshd -T -f /dev/null -h "$key" "$@"
}
if together=$(canonical "$(printf '%s\n' "$@")" 2>/dev/null); then
	printf 'together\n%s\n' "$together"
	exit
fi
for one do
	if said=$(canonical "$one" 2>&1); then
		printf 'right\n%s\n' "$said" | grep -ie "^right$" -e "^${one%% *} "
	else
		printf 'wrong\n%s\n' "$said" | head -n 3
	fi
	printf '.\n'
done
