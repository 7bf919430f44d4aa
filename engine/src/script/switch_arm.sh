# Arguments: seconds, the program that restores, what makes a restored file effective, the paths.
D=${S%/*}/switch seconds=$1 restore=$2 after=$3
shift 3
alive() {
	[ -e "$D/armed" ] || [ -e "$D/undoing" ] || return
	{ read -r pid <"$L/switch"; } 2>/dev/null && grep -qsF "$D/restore" "/proc/$pid/cmdline"
}
! alive || die "an earlier guarded change on this host is neither confirmed nor undone yet; that takes a minute, try again then"
rm -rf -- "$D" "$L/switch"
umask 077
mkdir -p -- "${D%/*}" && mkdir -m 700 -- "$D" || exit

# What is kept lies beside what it is to replace: to put it back is to rename it, which a full disk does not prevent.
number=0
for path do
	number=$((number + 1)) kept= access= was=
	whose "$path"
	if [ -d "$path" ] && [ ! -L "$path" ]; then
		access=$(as stat -c '%u:%g %a' -- "$path") || exit
	elif [ -e "$path" ] || [ -L "$path" ]; then
		[ -L "$path" ] || [ -f "$path" ] || die "$path is neither a file nor a directory nor a link, so it cannot be put back"
		was=$(as stat -c '%i %z' -- "$path") || exit
		box=${path%/*}/.comply-switch
		as rm -rf -- "$box.$number"
		as mkdir -m 700 -- "$box.$number" && kept=$box.$number/${path##*/} && as cp -a -- "$path" "$kept" ||
			die "could not keep a copy of $path beside it"
		as sync -- "$kept" 2>/dev/null || sync
	fi
	printf '%s\n' "$W" "${W:+$G}" "${W:+$I}" "$path" "$kept" "$access" "$was" >"$D/$number" || exit
done
printf '%s\n' "$restore" >"$D/restore" && printf '%s\n' 'die() { printf "%s\n" "$*" >&2; exit 1; }' "$after" >"$D/after" || exit

# Where the host is started anew meanwhile, this undoes it before sshd lets anybody in.
unit=${U:+$U/comply-switch.service} wants=$U/multi-user.target.wants
forget() { rm -f -- "$D/armed" ${unit:+"$unit" "$wants/${unit##*/}"}; }
[ -z "$unit" ] || (
	umask 022
	cat >"$unit" <<-end && mkdir -p -- "$wants" && ln -sf -- "$unit" "$wants/"
		[Unit]
		Description=Undo a change that nobody has confirmed to comply
		DefaultDependencies=no
		After=local-fs.target
		Before=ssh.service ssh.socket sshd.service shutdown.target
		Conflicts=shutdown.target
		ConditionPathExists=|$D/armed
		ConditionPathExists=|$D/undoing
		[Service]
		Type=oneshot
		ExecStart=/bin/sh $D/restore $D 0 boot $L/switch $U
	end
) || die "could not write $unit, which undoes the change if the host is restarted meanwhile"
: >"$D/armed" || exit
sync -- "$D"/* "$D" ${unit:+"$unit" "$wants"} 2>/dev/null || sync

# The one that restores must outlive this session, whatever ends it: systemd's own child, or the leader of a new session.
if ! { [ -n "$unit" ] && systemd-run --quiet --collect --unit="comply-switch-$$-$seconds" -- \
	sh "$D/restore" "$D" "$seconds" after "$L/switch" "$U" >/dev/null 2>&1; }; then
	command -v setsid >/dev/null || {
		forget
		die "there is neither systemd nor setsid on the host, so nothing could put it back"
	}
	setsid sh "$D/restore" "$D" "$seconds" after "$L/switch" "$U" </dev/null >/dev/null 2>&1 &
fi
tries=0
until [ -s "$L/switch" ]; do
	tries=$((tries + 1))
	[ "$tries" -lt 100 ] || {
		forget
		die "what puts the host back did not start"
	}
	sleep 0.1
done
