# What commands may use besides the prelude. S is where this run saves what it is about to change, input the length of
# what a command gets on standard input, in bytes.

# die WORDS: ends a command; the words are the reason that is reported.
die() {
	printf '%s\n' "$*" >&2
	exit 1
}

# save PATH: keeps a copy of a regular file, read with the rights that `whose` found, before it is changed.
save() {
	[ -f "$1" ] && [ ! -L "$1" ] || return 0
	size=$(stat -L -c %s -- "$1") || die "could not see how large $1 is, so no copy was saved"
	[ "$size" -le 67108864 ] || die "$1 is $size bytes, too large to save a copy of; move it away yourself"
	(
		umask 077
		patience=60
		mkdir -p -- "$S${1%/*}" || exit
		if [ -z "$W" ] || as test -r "$1"; then brief cat -- "$1"; else held "$1" cat; fi >"$S$1" || {
			rm -f -- "$S$1"
			exit 1
		}
	) || die "could not save a copy of $1 to $S first"
}

# spare PATH: ends a command that is about to remove PATH with all that is in it, if something is mounted there or below.
# rm and userdel would empty that too: a mount of the same file system looks like any directory to them.
spare() {
	within=$(as readlink -f -- "$1") && within=$(printf '%s\n' "$within" | sed 's/\\/\\134/g; s/ /\\040/g') || exit
	while read -r _ _ _ _ at _; do
		case $at in "$within" | "$within"/*)
			die "something is mounted at $(printf '%b' "$at"), and would be emptied: unmount it first"
			;;
		esac
	done </proc/self/mountinfo
}

# reach PATH OWNER GROUP [own]: how PATH can be given to OWNER and GROUP (nothing: whose they are does not
# matter). Sets p to the path to use with `as`: the path itself, with the rights of the account whose directory
# it is in, if those suffice, or else ./NAME, with ours, in a directory that is held. `own`: what is there now
# is changed, not replaced.
reach() {
	whose "$1"
	p=$1
	[ -n "$W" ] || return 0
	[ -d "${1%/*}/" ] || die "the directory ${1%/*} does not exist; declare it under directories"
	! suffices "$@" || return 0
	hold "$1" 2>/dev/null || die "a link that another account owns leads to ${1%/*}"
	W= p=./${1##*/}
}
suffices() {
	[ "$W" != 65534 ] || return
	[ -z "$2" ] || [ "$2" = "$W" ] || [ "$(id -u -- "$2" 2>/dev/null)" = "$W" ] || return
	if [ -n "$3" ]; then
		case " $(as id -G) $(as id -Gn) " in *" $3 "*) ;; *) return 1 ;; esac
	fi
	if [ -n "$4" ]; then as test -O "$1"; else as test -w "${1%/*}/"; fi
}

# own MODE OWNER GROUP: of what `reach` reached and is no link. Owner or group may be empty: they stay.
own() {
	case $p in
	./*)
		# Held: other hands may exchange what stands at the name, so it is changed through what is open.
		if [ -d "$p" ]; then
			cd -P -- "$p" && [ "$(readlink /proc/self/cwd)" = "${way%/}/${p#./}" ] || die "$p was exchanged for a link"
			p=.
		else
			# Without -L, the chown of busybox takes an owner or group that is not named from the link in /proc.
			held "$path" sh -c '
			[ -z "$1" ] || chown -L -- "$1" /proc/self/fd/0 || exit
			chmod -- "$2" /proc/self/fd/0
			' sh "$2${3:+:$3}" "0$1" || die "$path could not be changed, or is a link, or no regular file"
			return
		fi
		;;
	esac
	[ -z "$2$3" ] || as chown -h -- "$2${3:+:$3}" "$p" || return
	# Five digits, or chmod keeps the setgid bit of a directory.
	as chmod -- "0$1" "$p"
}

# replace PATH MODE OWNER GROUP CHECK: puts standard input in place of what `reach` reached, at once.
replace() {
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
	[ -z "$3$4" ] || chown -L -- "$3${4:+:$4}" "$open" || exit
	chmod -- "$2" "$open" && cat >&3 || exit
	# A connection that breaks ends the input too.
	[ "$(stat -L -c %s -- "$open")" = "$7" ] || { echo "only a part of its content arrived" >&2; exit 1; }
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
	' sh "$1" "$2" "$3" "$4" "$5" "$p" "$input"
}
