# The functions that every query and command may use. POSIX sh: dash, bash and busybox ash.

# Absolute paths only: what runs with another account's rights could not come back to root's home (find, fts(3)).
cd /

# settle: puts back what a program that ran in this shell may have changed.
settle() {
	IFS=$usual among=$passwd
	set +f
	cd /
}

# Ends the part of one probe's answer and begins the next one's, in a batched query.
item() { printf '%s' "$mark"; }
mark="$nonce#;"

nl='
'
usual=$IFS
accounts= passwd= among=
# accounts: sets $accounts to the lines of /etc/passwd, /etc/group, nsswitch.conf(5) and sshd_config(5) that are no
# comments, each after `FILE:`, read once. Those of /etc/passwd come first, and are $passwd.
accounts() {
	# A long text takes its time wherever it is spelled out.
	[ -z "${accounts:+read}" ] || return 0
	accounts=$(grep -sH '^[^#]' /etc/passwd /etc/group /etc/nsswitch.conf \
		/etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf)
	status=$?
	passwd=${accounts%%"$nl/etc/group:"*} among=$passwd
	return "$status"
}

# account NAME: sets U, G and H to its uid, gid and home, from /etc/passwd alone.
account() {
	accounts
	IFS=$nl
	set -f
	for line in $among; do
		case $line in "/etc/passwd:$1:"*) ;; *) continue ;; esac
		IFS=:
		set -- $line
		IFS=$usual
		set +f
		case $4,$5 in ,* | *, | *[!0-9,]*) return 1 ;; esac
		U=$4 G=$5 H=$7
		return 0
	done
	IFS=$usual
	set +f
	return 1
}

# narrow NAME…: lets `account` look among the lines of these accounts alone, for a program that asks for each of them.
narrow() {
	accounts
	IFS=$nl
	set -f
	wanted="$nl$*$nl" among=
	for line in $passwd; do
		name=${line#/etc/passwd:}
		case $wanted in *"$nl${name%%:*}$nl"*) among=$among$line$nl ;; esac
	done
	IFS=$usual
	set +f
}

# whose PATH: whose rights reach it safely. Below a directory that another account owns, that account can put
# links in the way, so the path is only ever touched as that account. Sets W to nothing (our own rights), or to
# the uid, and G and I for `as`. Only shell builtins, unless such a directory or a link is met.
known= safe=
whose() {
	W=
	if [ "${1%/*}" = "$safe" ]; then
		foreign= rest=
		return 0
	fi
	[ -O / ] || return 0
	trail "${1%/*}"
	if [ -z "$foreign" ]; then
		# Nobody else can change what the next path in the same directory would show.
		[ ! -d "${1%/*}" ] || safe=${1%/*}
		return 0
	fi
	if [ "$foreign" != "$known" ]; then
		known=$foreign
		known_uid=$(stat -c %u -- "$foreign/.") || known_uid=65534
		# A directory of root's in which others can write: what is in it is looked at as nobody.
		[ "$known_uid" != 0 ] || known_uid=65534
		known_gid=65534 known_groups=--clear-groups
		while IFS=: read -r _ _ u g _; do
			[ "$u" != "$known_uid" ] || { known_gid=$g known_groups=--init-groups; break; }
		done </etc/passwd
	fi
	W=$known_uid G=$known_gid I=$known_groups
}

# trail DIR: walks to DIR as the system would, through every link, and stops at the first directory that root
# does not own: that is $foreign, and $rest is what was left to walk. If there is none, the first directory that
# root owns and others can write.
trail() {
	at= rest=$1/ foreign= links=0 shared= left=
	while [ -n "$rest" ]; do
		step=${rest%%/*} rest=${rest#*/}
		case $step in
		'' | .) continue ;;
		..)
			at=${at%/*}
			continue
			;;
		esac
		if [ -L "$at/$step" ]; then
			links=$((links + 1))
			# The system follows no more.
			[ "$links" -le 40 ] || break
			link=$(readlink -n -- "$at/$step" && printf /)
			case $link in /*) at= ;; esac
			rest=$link$rest
		else
			at=$at/$step
			if [ -e "$at" ] && ! [ -O "$at" ]; then
				foreign=$at
				return 0
			fi
			if [ -z "$shared" ] && [ -e "$at" ] && shared "$at"; then shared=$at left=$rest; fi
		fi
	done
	foreign=$shared rest=$left
}

# shared DIR: others than root can write in this directory of root's. Each is looked at once. Where its group can write, so
# may accounts that an access list names: its mask shows as the group's bits, whoever the group is.
alone=$nl others=$nl
shared() {
	case $1 in *"$nl"*) return 0 ;; esac
	case $alone in *"$nl$1$nl"*) return 1 ;; esac
	case $others in *"$nl$1$nl"*) return 0 ;; esac
	case $(stat -c '%a ' -- "$1" 2>/dev/null) in
	'' | *[2367]' ' | *[2367]?' ') others=$others$1$nl ;;
	*)
		alone=$alone$1$nl
		return 1
		;;
	esac
}

# above PATH…: sets $above to the directories on the way to these paths that are there, a line each.
above() {
	above=
	[ -O / ] || return 0
	for path do
		while path=${path%/*} && [ -n "$path" ]; do
			case $nl$above in *"$nl$path$nl"*) break ;; esac
			[ ! -d "$path" ] || above=$above$path$nl
		done
	done
}

# as COMMAND…: runs it with the rights that `whose` found.
as() {
	if [ -z "$W" ]; then
		"$@"
	else
		setpriv --reuid "$W" --regid "$G" "$I" -- "$@"
	fi
}

# brief COMMAND…: the same, for what reads a file that another account may turn into a pipe meanwhile: then it waits for
# a few seconds, and not for ever.
patience=10
brief() {
	if [ -z "$W" ]; then "$@"; else as $(limit) "$@"; fi
}

# What ends a program that takes too long. The one inside of busybox lingers after its program has ended.
limit() {
	case $(command -v timeout) in /*) echo "timeout $patience" ;; esac
}

# hold PATH: goes, with our own rights, to the directory of PATH, if nothing that another account has put there
# led the way. What happens in the working directory afterwards cannot be led astray. After `whose`.
hold() {
	way=$foreign/${rest%/}
	cd -P -- "${1%/*}/" && [ "$(readlink /proc/self/cwd && echo .)" = "${way%/}$nl." ]
}

# held PATH COMMAND…: runs it with the regular file PATH as its input, opened with our own rights, if no link of another
# account, symbolic or hard, has a part in it. For what that account may not read. After `whose`, in a subshell.
held() {
	hold "$1" 2>/dev/null || return
	name=./${1##*/} way=${way%/}/${1##*/}
	shift
	[ -f "$name" ] && $(limit) sh -c '
	exec 3<"$1" && [ -f /proc/self/fd/3 ] && [ "$(readlink /proc/self/fd/3 && echo .)" = "$2
." ] &&
		[ "$(stat -L -c %h /proc/self/fd/3)" = 1 ] || exit
	shift 2
	"$@" <&3
	' sh "$name" "$way" "$@"
}

# What stat tells of a path. With its complaints among its answers (2>&1) there is a line for each path, in order: it lets go of
# what it has printed before it complains.
state='%f %u %g %s %.9Z %n'
