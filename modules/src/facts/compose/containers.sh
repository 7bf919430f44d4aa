printf 'v %s\n' "$version"
of="label=com.docker.compose.project=$project"
ids=$(
	clean docker ps -aq --no-trunc --filter "$of" &&
		clean docker ps -aq --no-trunc --filter "label=com.docker.compose.project.working_dir=$directory"
) || exit
ids=$(printf '%s\n' "$ids" | sort -u)
[ -z "$ids" ] || clean docker inspect --type container --format 'c {"id":{{json .ID}},"name":{{json .Name}},"image":{{json .Image}},"tag":{{json .Config.Image}},"labels":{{json .Config.Labels}},"status":{{json .State.Status}},"exit":{{json .State.ExitCode}},"started":{{json .State.StartedAt}},"health":{{with .State.Health}}{{json .Status}}{{else}}null{{end}},"mounts":{{json .Mounts}},"networks":{{json .NetworkSettings.Networks}},"restart":{{json .HostConfig.RestartPolicy.Name}}}' $ids || exit
if [ $# = 0 ]; then
	clean docker network ls --filter "$of" --format 'n {{.Name}}' &&
		clean docker volume ls --filter "$of" --format 'd {{.Name}}'
	exit
fi
clean docker image ls --no-trunc --filter dangling=false --format 'i {{.Repository}}:{{.Tag}} {{.ID}}' || exit
[ -f "$2" ] || exit 0
