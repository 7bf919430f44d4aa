# Nothing is put back any more.
D=${S%/*}/switch
mv -T -- "$D/armed" "$D/confirmed" 2>/dev/null || die "it came too late: the host had put itself back already"
{ read -r pid <"$L/switch"; } 2>/dev/null && grep -qsF "$D/restore" "/proc/$pid/cmdline" && kill -s KILL -- "-$pid"
for one in "$D"/[0-9]*; do
	{
		IFS= read -r W
		IFS= read -r G
		IFS= read -r I
		IFS= read -r path
		IFS= read -r kept
	} <"$one"
	[ -z "$kept" ] || as rm -rf -- "${kept%/*}"
done
[ -z "$U" ] || rm -f -- "$U/comply-switch.service" "$U/multi-user.target.wants/comply-switch.service"
rm -rf -- "$D" "$L/switch"
# Else a power cut could bring the switch back, armed.
sync -- "${D%/*}" 2>/dev/null || sync
