# parents DIR: makes it and what is above it, one by one, each in a directory that is held.
parents() (
	[ -d "$1/" ] || parents "${1%/*}" || return
	[ ! -d "$1/" ] || return 0
	whose "$1"
	if [ -n "$W" ]; then hold "$1" || return; else cd -P -- "${1%/*}/" || return; fi
	mkdir -- "./${1##*/}"
)
path=$1
[ ! -L "$1" ] || die "$1 is a link; declare the directory it leads to, or remove the link"
if [ -d "$1" ]; then
	reach "$1" "$3" "$4" own
	own "$2" "$3" "$4"
else
	[ ! -e "$1" ] || die "$1 is not a directory; move it away yourself"
	if ! [ -d "${1%/*}/" ]; then
		whose "$1"
		if [ "$W" = 65534 ]; then
			parents "${1%/*}" || die "could not make ${1%/*}: a link that another account owns is in the way"
		else
			as mkdir -p -- "${1%/*}" || exit
		fi
	fi
	reach "$1" "$3" "$4"
	as mkdir -m "$2" -- "$p" || exit
	[ -z "$3$4" ] || as chown -h -- "$3${4:+:$4}" "$p" || exit
fi
