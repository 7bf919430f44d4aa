case $version in
1 | 1.*)
	config=$(compose "$@" config) && hashes=$(compose "$@" config --hash '*') && config=$(
		printf '%s\n' "$config" |
			python3 -c 'import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout, default=str)'
	)
	;;
*)
	# What `config --hash` makes of the files themselves leaves out what env_file brings, from 2.22 on.
	config=$(compose "$@" config --format json) &&
		hashes=$(printf %s "$config" | compose --env-file /dev/null -f - config --hash '*')
	;;
esac || {
	echo e
	exit 0
}
printf 'j %s\n' "$(printf %s "$config" | tr -d '\n')"
printf '%s\n' "$hashes" | sed 's/^/h /'
