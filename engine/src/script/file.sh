all=$(states "$@") || exit
printf '%s\n' "$all"
printf '%s\n' "$all" | {
	set --
	while IFS= read -r line && [ -n "$line" ]; do
		case $line in 8???' '*) ;; *) continue ;; esac
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
}
