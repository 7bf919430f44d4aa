refresh=$1 allowed=$2 held=$3 options=$4
shift 4
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none UCF_FORCE_CONFFOLD=1
set -f

# What apt itself gives as the reason, on one line.
reason() {
	why=$(printf '%s\n' "$1" |
		sed -n -e '/^dpkg: error/{N;p;}' -e '/^E: /p' -e '/^Err:/p' -e '/^ [^ ]* : [A-Za-z]*: /p' |
		tail -n 5 | tr -s '\n ' ' ')
	[ -n "$why" ] || why=$(printf '%s\n' "$1" | tail -n 2 | tr '\n' ' ')
	printf '%s' "$why"
}

update() {
	for try in 1 2 3 4 5 6; do
		said=$(apt-get -q -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 update 2>&1) && return 0
		case $said in *'Could not get lock'*) sleep 5 ;; *) return 1 ;; esac
	done
	return 1
}

candidate() { apt-cache policy -- "$1" | sed -n 's/^  Candidate: //p'; }

case $refresh in
try) update || : ;;
must)
	update || die "apt's lists could not be refreshed: $(reason "$said")"
	missing=
	count=$#
	while [ "$count" -gt 0 ]; do
		arg=$1
		shift
		count=$((count - 1))
		case $arg in
		*-) ;;
		*)
			name=${arg%%[>=]*}
			newest=$(candidate "$name")
			case $newest in
			'' | '(none)') missing="$missing, no $name" ;;
			*)
				case $arg in *'>='*)
					least=${arg#*'>='}
					dpkg --compare-versions "$newest" ge "$least" ||
						missing="$missing, no $name >= $least (the newest is $newest)"
					arg=$name
					;;
				esac
				;;
			esac
			;;
		esac
		set -- "$@" "$arg"
	done
	[ -z "$missing" ] || die "apt's lists, refreshed just now, have${missing#,}: check the name, or add the repository that has it"
	;;
esac

# The same question as in the plan, so that what was agreed to is what is done.
simulated=$(apt-get -s -q -y -o APT::Get::Show-User-Simulation-Note=no ${held:+--allow-change-held-packages} $options install -- "$@" 2>&1) ||
	die "apt cannot do this: $(reason "$simulated")"
forbidden=$(printf '%s\n' "$simulated" | sed -n -E 's/^(Inst|Remv|Purg) ([^ ]+)( \[([^]]*)\])?( \(([^ )]+).*)?/\1 \2 \4 \6/p' |
	while read -r verb name from to; do
		name=${name%%:*}
		case $verb in
		Inst)
			[ -n "$to" ] && dpkg --compare-versions "$to" lt "$from" || continue
			case $allowed in *" <$name "*) ;; *) printf 'downgrade %s, ' "$name" ;; esac
			;;
		*) case $allowed in *" -$name "*) ;; *) printf 'remove %s, ' "$name" ;; esac ;;
		esac
	done)
[ -z "$forbidden" ] || die "apt would also ${forbidden%, }, which no policy declares; nothing was done"

# Only these holds give way: --allow-change-held-packages would be for all.
[ -z "$held" ] || apt-mark unhold -- $held >/dev/null || die "the hold of $held could not be released"
said=$(apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
	-o DPkg::Lock::Timeout=120 $options install -- "$@" 2>&1) && exit 0
[ -z "$held" ] || apt-mark hold -- $held >/dev/null
broken=$(dpkg --audit 2>/dev/null | sed -n 's/^ \([a-z0-9][^ ]*\) .*/\1/p' | tr '\n' ' ')
die "$(reason "$said")${broken:+; half done: $broken(dpkg --configure -a)}"
