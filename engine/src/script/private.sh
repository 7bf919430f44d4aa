# Where root and the kernel allow it, the questions run in mounts of their own (status 1: not allowed, 127: no
# unshare). printf is part of the shell, so nothing of them stands in a process list.
if [ -O / ]; then
	printf %s "private=1;$asking" | unshare -m --propagation private sh
	case $? in 1 | 127) ;; *) exit 0 ;; esac
fi
printf %s "private=;$asking" | sh
exit 0
