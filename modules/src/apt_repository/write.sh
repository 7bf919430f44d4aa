# Arguments: path, mode, owner, group.
command -v apt-get >/dev/null || die "there is no apt-get on the host: this is for Debian and its relatives"
[ -d "${1%/*}/" ] || die "the directory ${1%/*} does not exist"
[ -L "$1" ] || [ ! -d "$1" ] || die "$1 is a directory"
path=$1 name=${1##*/}
dir=$(mktemp -d) || exit
trap 'rm -rf -- "$dir"' EXIT
cat >"$dir/$name" || exit
[ "$(stat -c %s -- "$dir/$name")" = "$input" ] || die "only a part of its content arrived"

# reason: what apt itself gives as the reason, on one line.
reason() { printf '%s\n' "$said" | sed -n -e '/^[EW]: /p' -e '/^Err:/p' | tail -n 4 | tr -s '\n ' ' '; }

# Only this source, and a warning is an error: with a wrong key apt goes on with what it had.
fetch() {
	for try in 1 2 3 4 5 6; do
		said=$(apt-get -q --error-on=any -o Dir::Etc::SourceList="$1" -o Dir::Etc::SourceParts=- \
			-o APT::Get::List-Cleanup=0 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 update 2>&1) && return 0
		case $said in *'Could not get lock'*) sleep 5 ;; *) return 1 ;; esac
	done
	return 1
}
fetch "$dir/$name" || die "apt cannot use it, so nothing was changed: $(reason)"

whose "$path"
save "$path"
old=
if [ -e "$path" ] || [ -L "$path" ]; then cp -a -- "$path" "$dir/old" && old=$dir/old || exit; fi
before=$(apt-get indextargets 2>&1 >/dev/null) && before=
reach "$path" "$3" "$4"
replace "$1" "$2" "$3" "$4" '' <"$dir/$name" || exit
# Two sources that disagree about a key keep apt from working at all.
said=$(apt-get indextargets 2>&1 >/dev/null) && exit
[ -z "$before" ] || exit 0
if [ -n "$old" ]; then cp -a --remove-destination -- "$old" "$path"; else rm -f -- "$path"; fi
die "with it apt could not read its sources, so it was undone: $(reason)"
