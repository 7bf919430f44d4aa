# Arguments: the jails to reload, or --all; those to restart; then each jail that must run.
reload=$1 restart=$2
shift 2
command -v fail2ban-client >/dev/null || die "fail2ban is not on the host: declare packages: [fail2ban]"
file=/etc/fail2ban/jail.d/zz-comply.local
[ -L "$file" ] || [ ! -d "$file" ] || die "$file is a directory"
dir=$(mktemp -d) || exit
trap 'rm -rf -- "$dir"' EXIT
# What fail2ban itself gives as the reason, on one line.
reason() { printf '%s\n' "$said" | sed -n 's/^.* ERROR *//p' | tail -n 3 | tr -s '\n ' ' '; }

cat >"$dir/new" || exit
[ "$(stat -c %s -- "$dir/new")" = "$input" ] || die "only a part of its content arrived"
cp -a /etc/fail2ban "$dir/etc" && mkdir -p "$dir/etc/jail.d" && rm -f -- "$dir/etc/jail.d/${file##*/}" &&
	cp -- "$dir/new" "$dir/etc/jail.d/${file##*/}" || exit
said=$(fail2ban-client -c "$dir/etc" -t 2>&1) || {
	hint=
	case $said in *'any log file'*) hint="; where the journal has the log, it needs backend: systemd" ;; esac
	die "fail2ban cannot use it, so nothing was changed: $(reason)$hint"
}

if [ ! -L "$file" ] && cmp -s -- "$dir/new" "$file"; then
	chown root:root "$file" && chmod 0600 "$file" || exit
else
	mkdir -p "${file%/*}"
	whose "$file"
	save "$file"
	reach "$file" root root
	replace "$file" 0600 root root '' <"$dir/new" || exit
fi

if fail2ban-client ping >/dev/null 2>&1; then
	for jail in $reload; do
		said=$(fail2ban-client reload "$jail" 2>&1) || die "fail2ban did not reload (${jail#--}): $(reason)"
	done
	for jail in $restart; do
		said=$(fail2ban-client reload --restart "$jail" 2>&1) || die "fail2ban did not restart $jail: $(reason)"
	done
else
	began=$(date '+%Y-%m-%d %H:%M:%S')
	said=$(systemctl restart fail2ban 2>&1) || {
		said=$(journalctl -u fail2ban -q -o cat --since "$began" 2>/dev/null)
		die "fail2ban does not start: $(reason)"
	}
fi
tries=0
for jail do
	until fail2ban-client status "$jail" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -le 60 ] || {
			said=$(tail -n 50 /var/log/fail2ban.log 2>/dev/null)
			die "the jail $jail does not run: $(reason)"
		}
		sleep 0.3
	done
done
