# Arguments: account, path of its file (below its home, unless absolute), account, path…
# What belongs to the account is read with its own rights only. All paths are looked at in one go. Lists hold a line for
# each element: what is appended to "$@" is copied each time with all that is there already.
me=
[ -O / ] || me=$(id -u)

# far PATH: each directory on the way is looked at, and whoever owns one can make more of them.
far() {
	[ ${#1} -gt 80 ] || return 1
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

# For each account five lines in $asked: number, group, home with a `/` at the end, path, and where it really is (`-`: there is
# none); and in $looked the home, the file, and the directories above it up to the home, ended by `/`.
asked= looked= last=
narrow "$@"
while [ $# -gt 0 ]; do
	name=$1 path=$2
	shift 2
	# Two files of one account come one after the other.
	if [ "$name" != "$last" ]; then
		last=
		if ! account "$name"; then
			asked=$asked-$nl-$nl-$nl-$nl-$nl looked=$looked/$nl
			continue
		fi
		last=$name
		# As the system resolves it: sshd stops there on its way up from the file.
		if [ -x "${H%/}/" ] && cd -P -- "${H%/}/" && ! far "$PWD"; then
			case $PWD in *"$nl"*) ;; *) H=$PWD ;; esac
		fi
		H=${H%/}
	fi
	case $path in /*) ;; *) path=$H/$path ;; esac
	lead "$U" "$G" "$path"
	asked=$asked$U$nl$G$nl$H/$nl$path$nl$real$nl
	way=${H:-/}/.$nl
	case $real in - | '?') real= ;; esac
	while [ -n "$real" ]; do
		case $real in "$H" | / | [!/]*) break ;; esac
		way=$way$real$nl real=${real%/*}
	done
	looked=$looked$way/$nl
done
cd /

set -f
IFS=$nl
states=$(stat -L -c '%f %u %s %n' -- $looked 2>/dev/null)
status=$?
IFS=$usual
set +f
case $status in
126) echo 'there are too many accounts for one question' >&2 && return 1 ;;
127) echo 'stat is not on the host' >&2 && return 127 ;;
esac

# each FUNCTION: calls it with the five lines of each account, and $way: its states.
each() {
	set -f
	IFS=$nl
	set -- "$1" $asked
	act=$1 way=
	shift
	for line in $states; do
		case $line in
		*' /') ;;
		*)
			way=$way$line$nl
			continue
			;;
		esac
		IFS=$usual
		set +f
		# In dash a `shift` of what is not there would end the script.
		[ $# -ge 5 ] || return 1
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

# gone PATH: it can be told that nothing is there: no link is on the way, and no directory that we may not enter.
gone() {
	[ ! -L "$1" ] || return 1
	dir=${1%/*}
	until [ -z "$dir" ] || [ -x "$dir/" ]; do
		[ ! -L "$dir" ] && [ ! -e "$dir" ] || return 1
		case $dir in */*) dir=${dir%/*} ;; *) dir= ;; esac
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

# What is said of each account, at once where it can be: every write is a packet on its way. Small files are not read yet, but
# put on the list for the tape.
said= tape= taped= again=
tell() {
	if [ "$1" = - ]; then
		said=$said$mark$nl-
		return
	fi
	path=$4 W=$1 G=$2 I=--init-groups content=
	own_rights
	case $5 in - | '?') real= ;; *) real=$5 ;; esac
	if [ -n "$me" ] && [ "$me" != "$1" ]; then
		content='only root, or this account, may look at its keys!'
	elif [ "$5" = '?' ]; then
		content='more than 40 directories are on its way, or a line break!'
	elif [ ! -e "$path" ] && gone "$path"; then
		content=-
	elif [ -e "$path" ] && [ ! -f "$path" ]; then
		content='it is not a regular file!'
	elif [ -n "$first$taped" ] && small "$1" "$5"; then
		content=^ tape=$tape$5$nl
	elif [ -n "$first" ]; then
		again=yes
	fi
	said=$said$mark$1$nl$2$nl${3%/}$nl$path$nl$real$nl$way$nl$content
	[ -n "$content$first" ] || read_slowly
}

# The tape comes before all that is said: all small files at once. What tar says of a file, it says of the one that it has
# opened: whoever reads the tape can tell if something else has come to stand at its path.
first=
if [ -z "$me" ]; then
	first=yes
	each tell
	if [ -n "$tape" ]; then
		set -f
		IFS=$nl
		unset TAR_OPTIONS
		tar --create --file=- --format=gnu --absolute-names --no-recursion --no-unquote --hard-dereference \
			--numeric-owner -- $tape 2>/dev/null && taped=yes || again=yes
		IFS=$usual
		set +f
	fi
	first=
fi
if [ -n "$me$again" ]; then
	said=
	each tell
fi
printf '%s' "$said"
