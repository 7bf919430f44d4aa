above "$@"
set -f
IFS=$nl
all=$(states "$@" $above) || exit
printf '%s\n' "$all"
foresee "$all"
set --
for line in $all; do
	IFS=$usual
	# What cannot be looked at has lines too, and they begin otherwise.
	case $line in 8???' '[0-9]*) ;; *) continue ;; esac
	size=${line#* * * }
	[ "${size%% *}" -le 67108864 ] || continue
	path=${line#* * * * * * }
	whose "$path"
	if [ -n "$W" ]; then
		brief sha256sum -- "$path" || (
			hash=$(held "$path" sha256sum) && printf '%s  %s\n' "${hash%% *}" "$path"
		) || printf '!%s\n' "$path"
	elif [ -r "$path" ]; then
		set -- "$@" "$path"
	else
		printf '!%s\n' "$path"
	fi
done
[ $# = 0 ] || sha256sum -- "$@"
