# lent: with the container in place of the service that lends its network to another, as Compose hashes it.
lent() {
	edit=
	case $config in *'": "service:'*)
		edit=$(clean docker ps -a --no-trunc --filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.oneoff=False \
			--filter label=com.docker.compose.container-number=1 \
			--format 's/^\( *"\(network_mode\|ipc\|pid\)": "\)service:{{.Label "com.docker.compose.service"}}"/\1container:{{.ID}}"/') || return
		;;
	esac
	sed -e "$edit"
}
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
		hashes=$(printf '%s\n' "$config" | lent | compose --env-file /dev/null -f - config --hash '*')
	;;
esac || {
	echo e
	exit 0
}
# Services of profiles that are off are no strangers; version 1 shows them in any case.
case $version in
1 | 1.*) ;;
*)
	for file do
		if grep -qs profiles -- "$file"; then
			compose "$@" --profile '*' config --services | sed 's/^/o /'
			break
		fi
	done
	;;
esac
printf 'j %s\n' "$(printf %s "$config" | tr -d '\n')"
printf '%s\n' "$hashes" | sed 's/^/h /'
