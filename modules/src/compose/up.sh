set -f

# states: a line for each container of the project: service, state, health, exit status, id.
states() {
	ids=$(clean docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$project" \
		--filter label=com.docker.compose.oneoff=False) || return
	[ -z "$ids" ] || clean docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{with .State.Health}}{{.Status}}{{else}}none{{end}} {{.State.ExitCode}} {{.ID}}' $ids
}
among() { case " $2 " in *" $1 "*) ;; *) return 1 ;; esac }
watched() { [ -z "$services" ] || among "$1" "$services"; }

# judge LATE: 0 if all is well, 1 if something may become well, 2 if not: then $wrong, $how and $id say what. LATE: what
# may become well has had its time.
judge() {
	open=0
	while read -r service state health code id; do
		watched "$service" || continue
		case $state/$health in
		running/none | running/healthy) continue ;;
		exited/*) if [ "$code" = 0 ] && among "$service" "$ending"; then continue; fi ;;
		running/starting | restarting/* | created/*) [ -n "$1" ] || { open=1 && continue; } ;;
		esac
		case $state in running) how=$health ;; exited | restarting) how="$state ($code)" ;; *) how=$state ;; esac
		wrong=$service
		return 2
	done <<-STATES
		$(states)
	STATES
	return "$open"
}
# show: ends with what is wrong with a container and the last it had to say.
show() {
	printf '%s\n' "$wrong is $how; the end of its log:" >&2
	clean docker logs --tail 5 "$id" 2>&1 | cut -c1-300 >&2
	exit 1
}
# run COMMAND…: of Compose; its progress is of interest only if it failed.
run() {
	said=$(compose "$@" 2>&1) && return
	judge late
	[ $? != 2 ] || { printf '%s\n' "$said" | tail -n 1 >&2 && show; }
	printf '%s\n' "$said" | tail -n 5 >&2
	exit 1
}

if [ "$pull" = never ]; then
	for image in $images; do
		clean docker image inspect "$image" >/dev/null 2>&1 || die "the image $image is not on the host, and the policy says pull: never"
	done
elif [ "$pull" = always ]; then
	run "$@" pull --quiet $services
fi
[ -z "$forced" ] || run "$@" up -d $build --no-deps --force-recreate $forced
run "$@" up -d $build $services

# A container that ends, or starts again and again, may run at any one moment: it counts when it does twice in a row.
deadline=$(($(date +%s) + wait)) well=0
while [ "$well" -lt 2 ]; do
	late=
	[ "$(date +%s)" -lt "$deadline" ] || late=yes
	judge "$late"
	case $? in
	0) well=$((well + 1)) ;;
	1) well=0 ;;
	*) show ;;
	esac
	sleep 0.5
done
