path=$1
[ ! -L "$1" ] || die "$1 is a link; declare the directory it leads to, or remove the link"
if [ -d "$1" ]; then
	reach "$1" "$3" "$4" own
	own "$2" "$3" "$4"
else
	[ ! -e "$1" ] || die "$1 is not a directory; move it away yourself"
	if ! [ -d "${1%/*}/" ]; then
		whose "$1"
		as mkdir -p -- "${1%/*}" || exit
	fi
	reach "$1" "$3" "$4"
	as mkdir -m "$2" -- "$p" || exit
	[ -z "$3$4" ] || as chown -h -- "$3${4:+:$4}" "$p" || exit
fi
