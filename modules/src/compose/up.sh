set -f

# states: a line for each container of the project: service, state, health, exit status, id, when it was started, how
# often again by itself.
states() {
	ids=$(clean docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$project" \
		--filter label=com.docker.compose.oneoff=False) || return
	[ -z "$ids" ] || clean docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{with .State.Health}}{{.Status}}{{else}}none{{end}} {{.State.ExitCode}} {{.ID}} {{.State.StartedAt}} {{.RestartCount}}' $ids
}
# Which services may end is not always known: `*`.
ended_well() { [ "$2" = 0 ] && { [ "$ending" = '*' ] || among "$1" "$ending"; }; }
among() { case " $2 " in *" $1 "*) ;; *) return 1 ;; esac }
watched() { [ -z "$services" ] || among "$1" "$services"; }

# judge LATE: 0 if all is well, 1 if something may become well, 2 if not: then $wrong, $how and $id say what. LATE: what
# may become well has had its time. $seen: which containers run since when; $enough: how often the same has to be seen.
judge() {
	open=0 seen= enough=2
	while read -r service state health code id since again; do
		# Where there is no container yet, there is one empty line.
		[ -n "$service" ] && watched "$service" || continue
		[ "$again" = 0 ] || enough=10
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
	# What the daemon refuses says more than what did not run before.
	case $said in
	*'Error response from daemon'*) ;;
	*)
		judge ''
		[ $? != 2 ] || show
		;;
	esac
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

# A container that ends, or starts again and again, runs at some moments. All is well if the same is seen for a second, or
# for five if a container has been started again already.
deadline=$(($(date +%s) + wait)) late= before= same=0
while :; do
	judge "$late"
	case $? in
	0) if [ "$seen" = "$before" ]; then same=$((same + 1)); else same=0; fi ;;
	1) same=0 ;;
	*) show ;;
	esac
	[ "$same" -lt "$enough" ] || break
	for one in $seen; do
		among "$one" "$before" || [ -z "$late" ] || case "$before " in *" ${one%/*}/"*)
			wrong=${one%%/*} how='starting again and again' id=${one#*/}
			id=${id%%/*}
			show
			;;
		esac
	done
	before=$seen
	[ "$(date +%s)" -lt "$deadline" ] || late=yes
	sleep 0.5
done
