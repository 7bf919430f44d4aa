# Arguments: account, path of its file (below its home, unless absolute), account, path…
# What belongs to the account is read with its own rights only. All paths are looked at in one go.
me=
[ -O / ] || me=$(id -u)
count=$#
while [ "$count" -gt 0 ]; do
	name=$1 path=$2
	shift 2
	count=$((count - 2))
	if ! account "$name"; then
		set -- "$@" '' '' '' ''
		continue
	fi
	# As the system resolves it: sshd stops there on its way up from the file.
	if cd -P -- "$H/" 2>/dev/null; then H=$PWD; fi
	H=${H%/}
	case $path in /*) ;; *) path=$H/$path ;; esac
	set -- "$@" "$U" "$G" "$H" "$path"
done
cd /

# Where the file really is: a link is followed with the account's rights.
lead() {
	real=$3
	if [ -L "${3%/*}" ] || [ -L "$3" ]; then
		W=$1 G=$2 I=--init-groups
		own_rights
		real=$(as readlink -f -- "$3")
		# A line of its own below.
		case $real in *"$nl"*) real= ;; esac
	fi
}
# Root's own files need no change of account; without root there is none.
own_rights() {
	if [ -n "$me" ] || [ "$W" = 0 ]; then W=; fi
}

# The states of the file and of the directories above it, up to the home, each account's ended by `/`.
count=$#
while [ "$count" -gt 0 ]; do
	user=$1 group=$2 home=$3 path=$4
	shift 4
	count=$((count - 4))
	real=
	if [ -n "$user" ]; then lead "$user" "$group" "$path"; fi
	set -- "$@" "$user" "$group" "$home" "$path" "$real"
done
states=$(
	count=$#
	while [ "$count" -gt 0 ]; do
		home=$3 real=$5
		shift 5
		count=$((count - 5))
		[ -n "$real" ] || real=$home/.
		set -- "$@" "${home:-/}/."
		while [ -n "$real" ]; do
			[ "$real" = "$home" ] || set -- "$@" "$real"
			case $real in "$home") break ;; *) real=${real%/*} ;; esac
		done
		set -- "$@" /
	done
	stat -L -c '%f %u %g %n' -- "$@" 2>/dev/null
)
[ $? != 127 ] || {
	echo 'stat is not on the host' >&2
	exit 127
}
states=$states$nl

# open_six ACCOUNTS…: opens the files of the first six on 4 to 9, and says in $opened whose each is, in what mode, and
# how large. What is open stays what it is, whatever comes to stand at its path.
open_six() {
	fd=4
	while [ "$fd" -le 9 ]; do
		eval "exec $fd</dev/null"
		if [ -n "$1" ] && [ -z "$me" ] && [ -f "$4" ]; then eval "command exec $fd<\"\$4\"" 2>/dev/null; fi
		fd=$((fd + 1))
		[ $# = 0 ] || shift 5
	done
	opened=$(stat -L -c '%u %f %s' /proc/self/fd/4 /proc/self/fd/5 /proc/self/fd/6 /proc/self/fd/7 /proc/self/fd/8 /proc/self/fd/9 2>/dev/null)$nl
	fd=3
}

# content UID: the content of what is open on $fd, if it is a small file of this account's own: that holds nothing that
# the account may not read. The shell reads it itself, and a program for each account is saved.
content() {
	text=
	case $this in "$1 8"???' '?????* | "$1 8"???' 0') return 1 ;; "$1 8"*) ;; *) return 1 ;; esac
	while IFS= read -r line <&"$fd"; do text=$text$line$nl; done
	text=$text$line
	[ "${#text}" = "${this##* }" ]
}

# Said at once where it can be: every write is a packet on its way.
said=
fd=9
while [ $# -gt 0 ]; do
	[ "$fd" -lt 9 ] || open_six "$@"
	fd=$((fd + 1)) this=${opened%%"$nl"*} opened=${opened#*"$nl"}
	user=$1 group=$2 home=$3 path=$4 real=$5
	shift 5
	said=$said$mark$user$nl$group$nl$home$nl$path$nl$real$nl${states%%" /$nl"*}$nl$nl
	states=${states#*" /$nl"}
	if [ -z "$user" ]; then
		said=$said-
	elif [ -n "$me" ] && [ "$me" != "$user" ]; then
		said="${said}only root, or this account, may look at its keys!"
	elif [ ! -e "$path" ]; then
		said=$said-
	elif [ ! -f "$path" ]; then
		said="${said}it is not a regular file!"
	elif content "$user"; then
		said=$said$text=
	else
		printf '%s' "$said"
		said=
		W=$user G=$group I=--init-groups
		own_rights
		if brief head -c 262145 -- "$path"; then
			printf =
		elif as true && ! as test -r "$path"; then
			printf '~'
		else
			printf '!'
		fi
	fi
done
printf '%s' "$said"
