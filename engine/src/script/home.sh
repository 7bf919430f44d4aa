account "$1" || exit
printf '%s\n' "$U" "${H%/}"
readlink -f -- "$H"
printf '.\n'
# Values for whatever a Match may speak of; without sshd it goes by what sshd would do.
sshd -T -C "user=$1,host=localhost,addr=0.0.0.1,laddr=0.0.0.1,lport=1" 2>/dev/null | grep -i '^authorizedkeysfile ' ||
	echo 'authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2'
