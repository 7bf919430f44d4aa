set -f

# states: a line for each container of the project: service, state, health, exit status, id, when it was started.
states() {
	ids=$(clean docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$project" \
		--filter label=com.docker.compose.oneoff=False) || return
	[ -z "$ids" ] || clean docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{with .State.Health}}{{.Status}}{{else}}none{{end}} {{.State.ExitCode}} {{.ID}} {{.State.StartedAt}}' $ids
}
# Which services may end is not always known: `*`.
ended_well() { [ "$2" = 0 ] && { [ "$ending" = '*' ] || among "$1" "$ending"; }; }
among() { case " $2 " in *" $1 "*) ;; *) return 1 ;; esac }
watched() { [ -z "$services" ] || among "$1" "$services"; }

# judge LATE: 0 if all is well, 1 if something may become well, 2 if not: then $wrong, $how and $id say what. LATE: what
# may become well has had its time. $seen: which containers run since when.
judge() {
	open=0 seen=
	while read -r service state health code id since; do
		watched "$service" || continue
		case $state/$health in
		running/none | running/healthy) seen="$seen $service/$id/$since" && continue ;;
		exited/*) if ended_well "$service" "$code"; then continue; fi ;;
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
	said=$(clean docker logs --tail 5 "$id" 2>&1 | tr -d '\r' | cut -c1-300 | line)
	die "$wrong is $how; the end of its log: ${said:-it said nothing}"
}
line() { tr '\n' '|' | sed -e 's/|$//' -e 's/|/; /g'; }
# run COMMAND…: of Compose; its progress is of interest only if it failed.
run() {
	said=$(compose "$@" 2>&1) && return
	judge ''
	[ $? != 2 ] || show
	die "$(printf '%s\n' "$said" | tail -n 3 | line)"
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

# A container that ends, or starts again and again, runs at some moments: all is well if it is so twice in a row, with no
# container started in between.
deadline=$(($(date +%s) + wait)) late= before=none last=
while :; do
	judge "$late"
	case $? in
	0)
		[ "$seen" != "$before" ] || break
		before=$seen
		;;
	1) before=none ;;
	*) show ;;
	esac
	if [ -n "$late" ]; then
		for one in $seen; do
			if ! among "$one" "$last"; then
				wrong=${one%%/*} how='starting again and again' id=${one#*/}
				id=${id%%/*}
				show
			fi
		done
	fi
	last=$seen
	[ "$(date +%s)" -lt "$deadline" ] || late=yes
	sleep 0.5
done
