# Arguments: account, path, mode for the file.
account "$1" || die "there is no account $1"
path=$2
file=$2

# own_way VERB: ends if others than root and this account can say what is found on the way. After `whose`.
own_way() {
	[ -n "$W" ] && [ "$W" != "$U" ] || return 0
	[ ! -O "$foreign" ] || die "$path $1 below a directory that others than root can write: $foreign"
	die "$path $1 below a directory of another account, number $W"
}

whose "$path"
own_way is
if ! [ -d "${path%/*}/" ]; then
	case $path in "${H%/}"/*) ;; *) die "the directory ${path%/*} does not exist; declare it under directories" ;; esac
	as mkdir -m 700 -- "${path%/*}" || exit
	if [ -O / ] && [ -z "$W" ]; then chown -h -- "$U:$G" "${path%/*}" || exit; fi
fi
if [ -L "$path" ]; then
	file=$(brief readlink -f -- "$path" && echo .)
	file=${file%"$nl."}
	[ -n "$file" ] || die "$path is a link that leads nowhere"
	case $file in *"$nl"*) die "$path is a link to a name with a line break" ;; esac
	if [ -z "$W" ]; then
		whose "$file"
		own_way leads
	fi
fi
[ ! -d "$file" ] || die "$file is a directory"
save "$file"
case $file in
/etc/pve/*)
	# The cluster's own file system: it has no owners and modes, and links lead to this very file.
	cat >"$file"
	exit
	;;
esac
owner= group=
if [ -z "$W" ] && [ -O / ]; then
	case $file in "${H%/}"/*) owner=$U group=$G ;; *) owner=0 group=0 ;; esac
fi
p=$file
replace "$file" "$3" "$owner" "$group" ''
