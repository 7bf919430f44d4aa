name=$1 home=$2
account "$name" || exit 0
usermod -L -e 1 -- "$name" || die "the account $name could not be locked, so it was not removed"
[ -z "$home" ] || ! [ -d "$H" ] || said=$(spare "$H" 2>&1) || die "$said; the account is locked"

# Its processes, but not those of a container that happens to use its number: these have numbers of their own in
# there. userdel looks for processes, too, and sees none where it lacks the right to.
set -- $(sed -n 's/^NSpid:[[:space:]]*//p' /proc/self/status)
depth=$#
running=
for file in $(grep -lE "^Uid:.*[[:space:]]$U([[:space:]]|\$)" /proc/[0-9]*/status 2>/dev/null); do
	set -- $(sed -n 's/^NSpid:[[:space:]]*//p' "$file" 2>/dev/null)
	[ $# -le "$depth" ] || continue
	read -r comm 2>/dev/null <"${file%/status}/comm" || continue
	pid=${file#/proc/}
	running="$running, $comm (${pid%/status})"
done
shared=
while IFS=: read -r other _ number _; do
	[ "$number" != "$U" ] || [ "$other" = "$name" ] || shared="$shared, $other"
done </etc/passwd
[ -z "$running" ] || [ -z "$shared" ] ||
	die "processes of its number $U still run, which is that of ${shared#, } too, so nobody can tell whose they are; the account is locked; give it a number of its own (vipw) and enforce again"
[ -z "$running" ] ||
	die "processes of $name still run: ${running#, }; the account is locked; end them (pkill -u $name) and enforce again"

said=$(userdel ${home:+-r} -- "$name" 2>&1) || case $? in
6) ;;
12) die "the account is removed, its home is not: $said" ;;
*) die "$said; the account is locked" ;;
esac
