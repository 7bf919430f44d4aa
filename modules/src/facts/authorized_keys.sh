# Arguments: account, path of its file (below its home, unless absolute), account, path…
# What belongs to the account is read with its own rights only. All paths are looked at in one go. Lists hold a line for
# each element: what is appended to "$@" is copied each time with all that is there already.
me=
[ -O / ] || me=$(id -u)

# far PATH: each directory on the way is looked at, and whoever owns one can make more of them.
far() {
	set -f
	IFS=/
	set -- $1
	IFS=$usual
	set +f
	[ $# -gt 40 ]
}

# Root's own files need no change of account; without root there is none.
own_rights() {
	if [ -n "$me" ] || [ "$W" = 0 ]; then W=; fi
}

# lead UID GID PATH: sets $real to where the file really is: a link is followed with the account's rights. `-`: it leads
# nowhere, `?`: where it leads is not looked at.
lead() {
	real=$3
	[ -L "${3%/*}" ] || [ -L "$3" ] || return 0
	W=$1 G=$2 I=--init-groups
	own_rights
	real=$(brief readlink -f -- "$3" && echo .)
	real=${real%"$nl."}
	case $real in '') real=- ;; *"$nl"*) real='?' ;; esac
	if far "$real"; then real='?'; fi
}

# Five lines for each account: number, group, home with a `/` at the end, path, and where it really is. `-`: there is none.
asked= last=
while [ $# -gt 0 ]; do
	name=$1 path=$2
	shift 2
	# Two files of one account come one after the other.
	if [ "$name" != "$last" ]; then
		last=
		if ! account "$name"; then
			asked=$asked-$nl-$nl-$nl-$nl-$nl
			continue
		fi
		last=$name
		# As the system resolves it: sshd stops there on its way up from the file.
		if cd -P -- "${H%/}/" 2>/dev/null && ! far "$PWD"; then
			case $PWD in *"$nl"*) ;; *) H=$PWD ;; esac
		fi
		H=${H%/}
	fi
	case $path in /*) ;; *) path=$H/$path ;; esac
	lead "$U" "$G" "$path"
	asked=$asked$U$nl$G$nl$H/$nl$path$nl$real$nl
done
cd /

# The states of the home, the file, and the directories above it up to the home, each account's ended by `/`.
looked=
look() {
	home=${3%/} real=$5 all=
	[ "$1" = - ] || all=${home:-/}/.$nl
	case $real in - | '?') real= ;; esac
	while [ -n "$real" ]; do
		[ "$real" = "$home" ] || all=$all$real$nl
		case $real in "$home") break ;; *) real=${real%/*} ;; esac
	done
	looked=$looked$all/$nl
}
set -f
IFS=$nl
set -- $asked
IFS=$usual
set +f
while [ $# -gt 0 ]; do
	look "$1" "$2" "$3" "$4" "$5"
	shift 5
done
set -f
IFS=$nl
states=$(stat -L -c '%f %u %s %n' -- $looked 2>/dev/null)
status=$?
IFS=$usual
set +f
case $status in
126) echo 'there are too many accounts for one question' >&2 && exit 1 ;;
127) echo 'stat is not on the host' >&2 && exit 127 ;;
esac

# each FUNCTION: calls it with the five lines of each account, and $way: its states.
each() {
	set -f
	IFS=$nl
	set -- "$1" $asked
	act=$1 way=
	shift
	for line in $states; do
		IFS=$usual
		set +f
		case $line in
		*' /') ;;
		*)
			way=$way$line$nl
			continue
			;;
		esac
		"$act" "$1" "$2" "$3" "$4" "$5"
		way=
		shift 5
	done
}

# small UID FILE: the file is a small one of this account's own: that holds nothing that the account may not read.
small() {
	set -- "$1" "${way%%" $2$nl"*}"
	[ "$2" != "$way" ] || return 1
	case ${2##*"$nl"} in 8???" $1 "??????* | 8???" $1 0") return 1 ;; 8???" $1 "*) ;; *) return 1 ;; esac
}

# All of them at once. What tar says of a file, it says of the one that it has opened: whoever reads the tape can tell if
# something else has come to stand at its path.
tape= taped=
take() {
	if small "$1" "$5"; then tape=$tape$5$nl; fi
}
if [ -z "$me" ]; then
	each take
	(
		[ -n "$tape" ] || exit 0
		set -f
		IFS=$nl
		unset TAR_OPTIONS
		exec tar --create --file=- --format=gnu --absolute-names --no-recursion --no-unquote --hard-dereference \
			--numeric-owner -- $tape 2>/dev/null
	) && taped=yes
fi

# gone PATH: it can be told that nothing is there: no link is on the way, and no directory that we may not enter.
gone() {
	[ ! -L "$1" ] || return 1
	dir=${1%/*}
	until [ -z "$dir" ] || [ -x "$dir/" ]; do
		[ ! -L "$dir" ] && [ ! -e "$dir" ] || return 1
		dir=${dir%/*}
	done
}

# read_slowly: the file at $path, by the account itself.
read_slowly() {
	printf '%s' "$said"
	said=
	if [ ! -e "$path" ]; then
		brief test -e "$path"
		case $? in
		0) ;;
		1) said=- && return ;;
		*) said='!' && return ;;
		esac
	fi
	if brief head -c 262145 -- "$path"; then
		said='='
	elif as true && ! brief test -r "$path"; then
		said='~'
	else
		said='!'
	fi
}

# Said at once where it can be: every write is a packet on its way.
said=
tell() {
	if [ "$1" = - ]; then
		said=$said$mark$nl-
		return
	fi
	path=$4 W=$1 G=$2 I=--init-groups
	own_rights
	case $5 in - | '?') real= ;; *) real=$5 ;; esac
	said=$said$mark$1$nl$2$nl${3%/}$nl$path$nl$real$nl$way$nl
	if [ -n "$me" ] && [ "$me" != "$1" ]; then
		said="${said}only root, or this account, may look at its keys!"
	elif [ "$5" = '?' ]; then
		said="${said}more than 40 directories are on its way, or a line break!"
	elif [ ! -e "$path" ] && gone "$path"; then
		said=$said-
	elif [ -e "$path" ] && [ ! -f "$path" ]; then
		said="${said}it is not a regular file!"
	elif [ -n "$taped" ] && small "$1" "$5"; then
		said=$said^
	else
		read_slowly
	fi
}
each tell
printf '%s' "$said"
