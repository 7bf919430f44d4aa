of="label=com.docker.compose.project=$project"
ids=$(clean docker ps -aq --filter "$of") || exit
if [ -n "$ids" ]; then
	clean docker stop $ids >/dev/null && clean docker rm ${volumes:+-v} $ids >/dev/null || exit
fi
ids=$(clean docker network ls -q --filter "$of") || exit
[ -z "$ids" ] || clean docker network rm $ids >/dev/null || exit
[ -n "$volumes" ] || exit 0
ids=$(clean docker volume ls -q --filter "$of") || exit
[ -z "$ids" ] || clean docker volume rm $ids >/dev/null
