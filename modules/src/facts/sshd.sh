command -v sshd >/dev/null || exit 69
[ -O / ] || {
	echo "sshd shows its configuration to root only: Permission denied" >&2
	exit 1
}
options=
if [ -r /etc/default/ssh ]; then
	while IFS= read -r line; do
		case $line in SSHD_OPTS=*) options=${line#SSHD_OPTS=} ;; esac
	done </etc/default/ssh
fi
case $options in
\"*\") options=${options#\"} options=${options%\"} ;;
\'*\') options=${options#\'} options=${options%\'} ;;
esac
units=
[ ! -d /run/systemd/system ] ||
	units=$(systemctl show --no-pager --timestamp=us+utc -p Id,ActiveState,StateChangeTimestamp,Listen,ExecStart -- ssh.service ssh.socket)
# What the unit itself puts between the program and the options from there.
started=${units#*argv\[\]=}
[ "$started" != "$units" ] || started=
own=
set -f
for word in ${started%% ; *}; do
	case $word in */sshd | -D | \$SSHD_OPTS) ;; *) own="$own $word" ;; esac
done
# Of a Match by port or address of the server it wants to know these: of a connection that there is none of.
effective=$(sshd -T $own $options 2>/dev/null) || effective=$(sshd -T -C lport=1,laddr=0.0.0.1 $own $options) || exit
set +f
printf '%s\n' "options $options" "unit$own" "$effective" .

# The lines that say something, with those of included files in their place.
walk() {
	[ "$2" -lt 16 ] || return 0
	printf 'F %s\n' "$(stat -L -c '%.9Z %n' -- "$1")"
	grep -n '^[[:space:]]*[^#[:space:]]' -- "$1" | while IFS= read -r line; do
		printf 'L %s\n' "$line"
		case $line in *[Ii][Nn][Cc][Ll][Uu][Dd][Ee]*) include "${line#*:}" "$(($2 + 1))" ;; esac
	done
	printf 'E\n'
}
include() {
	depth=$2
	set -f
	IFS=" 	=\""
	set -- $1
	# A line that begins with a separator has an empty word before the first.
	[ -n "$1" ] || shift
	IFS=
	case $1 in [Ii][Nn][Cc][Ll][Uu][Dd][Ee]) shift ;; *) set -- ;; esac
	for pattern do
		case $pattern in
		'') continue ;;
		\#*) break ;;
		/*) ;;
		*) pattern=/etc/ssh/$pattern ;;
		esac
		if [ "${pattern%/*}" = /etc/ssh/sshd_config.d ]; then
			case 00-comply.conf in ${pattern##*/}) printf 'C\n' ;; esac
		fi
		set +f
		for file in $pattern; do
			[ ! -f "$file" ] || walk "$file" "$depth"
		done
		set -f
	done
	set +f
	IFS=$usual
}
walk /etc/ssh/sshd_config 0
printf '%s\n' . "$units"
