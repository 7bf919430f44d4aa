# Arguments: path, mode, owner, group, the check of the file.
command -v visudo >/dev/null || die "there is no visudo on the host: declare the package sudo"
[ -d "${1%/*}/" ] || die "the directory ${1%/*} does not exist: declare the package sudo"
[ -L "$1" ] || [ ! -d "$1" ] || die "$1 is a directory"
path=$1
# sudo reads no file with a `.` or a `~` in its name.
old=${path%/*}/.${path##*/}.comply~
# Who owns another file is no matter of this one, and an alias that nobody uses is none at all.
whole() {
	said=$(visudo -c 2>&1 >/dev/null) && return
	printf '%s\n' "$said" | grep -v -e '^Warning: ' -e 'bad permissions' -e 'wrong owner'
}
before=$(whole)
whose "$path"
save "$path"
rm -f -- "$old"
if [ -e "$path" ] || [ -L "$path" ]; then ln -P -- "$path" "$old" || exit; fi
reach "$path" "$3" "$4"
replace "$@" || {
	rm -f -- "$old"
	exit 1
}
# A mistake that was there before is not ours: it may be the next file that mends it.
new=$(whole | while IFS= read -r line; do
	case $nl$before$nl in *"$nl$line$nl"*) ;; *) [ -z "$line" ] || printf '%s; ' "$line" ;; esac
done)
if [ -n "$new" ]; then
	if [ -e "$old" ] || [ -L "$old" ]; then mv -fT -- "$old" "$path"; else rm -f -- "$path"; fi
	die "with it sudo's configuration as a whole has a mistake, so it was undone: ${new%; }"
fi
rm -f -- "$old"
