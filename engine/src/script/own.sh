path=$1
reach "$1" "$3" "$4" own
[ ! -L "$p" ] || die "$1 is a link"
own "$2" "$3" "$4"
