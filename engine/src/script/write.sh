[ -L "$1" ] || [ ! -d "$1" ] || die "$1 is a directory"
[ -d "${1%/*}/" ] || die "the directory ${1%/*} does not exist; declare it under directories"
whose "$1"
save "$1"
reach "$1" "$3" "$4"
as sh -c '
case $6 in /*) cd -- "${6%/*}/" || exit ;; esac
name=./${1##*/}
temporary=$(mktemp -u ./.comply.XXXXXXXX) || exit
umask 077
# With noclobber the file is a new one, and what is done to it is done through the descriptor: where another
# account can write, the name may come to stand for something else.
set -C
exec 3>"$temporary" || exit
set +C
trap "rm -f -- $temporary" EXIT
open=/proc/self/fd/3
[ -z "$3$4" ] || chown -- "$3${4:+:$4}" "$open" || exit
chmod -- "$2" "$open" && cat >&3 || exit
if [ -n "$5" ]; then
	case $6 in /*) file=${6%/*}/${temporary#./} ;; *) file=$open ;; esac
	rest=$5 check=
	while :; do
		case $rest in *"{}"*) ;; *) break ;; esac
		check="$check${rest%%"{}"*}\"\$1\"" rest=${rest#*"{}"}
	done
	sh -c "$check$rest" sh "$file" </dev/null >&2 || { printf "%s\n" "its check refused it: $5" >&2; exit 1; }
fi
sync -- "$open" 2>/dev/null || sync
mv -fT -- "$temporary" "$name" || exit
trap - EXIT
' sh "$1" "$2" "$3" "$4" "$5" "$p"
