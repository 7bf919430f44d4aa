[ -L "$1" ] || [ ! -d "$1" ] || die "$1 is a directory; move it away yourself"
[ -d "${1%/*}/" ] || die "the directory ${1%/*} does not exist; declare it under directories"
whose "$1"
save "$1"
reach "$1" '' ''
t=${p%/*}/.comply.$run
as ln -s -- "$2" "$t" || exit
as mv -fT -- "$t" "$p" || {
	as rm -f -- "$t"
	die "could not put the link in place"
}
