# sees DIR: what is in it, if it is there, can be told.
sees() {
	if [ -x "$1/" ] || { [ "$1" != "${1%/*}" ] && sees "${1%/*}" && ! [ -e "$1" ]; }; then return 0; fi
	unseen=${unseen:-$1}
	return 1
}
while IFS=: read -r name _ _ _ _ home _; do
	home=${home%/} unseen=
	if ! sees "$home/.ssh"; then
		printf 'hidden:%s:%s\n' "$name" "$unseen"
		continue
	fi
	for file in authorized_keys authorized_keys2; do
		if [ -s "$home/.ssh/$file" ]; then printf 'there:%s:%s\n' "$name" "$home/.ssh/$file"; fi
	done
done </etc/passwd
