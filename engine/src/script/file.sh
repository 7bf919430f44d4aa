above "$@"
set -f
IFS=$nl
all=$(stat -c "$state" -- $above "$@" 2>&1)
status=$?
if [ "$status" -gt 1 ]; then
	printf '%s\n' "$all"
	return "$status"
fi
# Every write is a packet on its way: what has no hash comes with the states.
said= hashed= slow=
for line in $all; do
	IFS=$usual
	# What cannot be looked at has lines too, and they begin otherwise.
	case $line in
	# None but root can write in it: `shared` need not look.
	4?[02468ace][014589cd]' '[0-9]*) alone=$alone/${line#*/}$nl ;;
	8???' '[0-9]*)
		set -- $line
		[ "$4" -le 67108864 ] || continue
		path=/${line#*/}
		whose "$path"
		if [ -n "$W" ]; then
			slow=$slow$path$nl
		elif [ -r "$path" ]; then
			hashed=$hashed$path$nl
		else
			said=$said!$path$nl
		fi
		;;
	esac
done
printf '%s\n.\n%s' "$all" "$said"
IFS=$nl
set -- $slow
IFS=$usual
for path do
	whose "$path"
	brief sha256sum -- "$path" || (
		hash=$(held "$path" sha256sum) && printf '%s  %s\n' "${hash%% *}" "$path"
	) || printf '!%s\n' "$path"
done
IFS=$nl
[ -z "$hashed" ] || sha256sum -- $hashed
