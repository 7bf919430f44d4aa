# Arguments: accounts.
# What holds for an account takes sshd a moment to say, and hardly anybody sets it: it is asked only where it is set.
set -f
told= matches=
lines=$(set +f; grep -Ehis '^[[:space:]"]*(AuthorizedKeysFile|Include|Match)' /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf)
IFS=$nl
for line in $lines; do
	case $line in
	'Include /etc/ssh/sshd_config.d/*.conf') ;;
	*[Mm][Aa][Tt][Cc][Hh]*) matches=yes ;;
	*[Ii][Nn][Cc][Ll][Uu][Dd][Ee]*) told=yes matches=yes ;;
	*) told=yes ;;
	esac
done
IFS=$usual
[ -z "$told" ] || command -v sshd >/dev/null || told=
said=
for name do
	item
	if [ -z "$told" ]; then
		printf -- -
		continue
	fi
	if [ -z "$said" ] || [ -n "$matches" ]; then
		said=$(sshd -T -C "user=$name,host=localhost,addr=0.0.0.1,laddr=0.0.0.1,lport=1" 2>&1) || said="!$said"
	fi
	case $said in
	!*) printf %s "$said" ;;
	*) printf '%s\n' "$said" | grep -i '^authorizedkeysfile ' ;;
	esac
done
