// SPDX-License-Identifier: BSD-2-Clause
/*
 * mounter.c - the thread that gets mount messages
 *
 * The ZTs are started when the first mount comes, as servers of 2019 do.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "raw.h"

/* The largest message: options or a piece of text behind the struct. */
static union {
	struct zufs_ioc_mount msg;
	char room[8192];
} raw_mount;

static int raw_mounter_fd = -1;
static bool raw_zts_run;

static int do_mount(struct zufs_mount_info *zmi)
{
	struct raw_fs *fs;
	uint64_t bytes;
	char *t1;
	int fd, err;

	if (!raw_zts_run) {
		err = raw_zt_start_all(zmi->num_channels);
		if (err)
			return err;
		raw_zts_run = true;
	}
	err = raw_grab(zmi->sb_id, &fd, &t1, &bytes);
	if (err)
		return err;
	raw_lock();
	raw_note("mount flags %#llx", (unsigned long long)zmi->po.mount_flags);
	fs = raw_fs_create(zmi->sb_id, fd, t1, bytes);
	if (fs) {
		zmi->zus_sbi = (uintptr_t)fs;
		zmi->zus_ii = (uintptr_t)&fs->nodes[0];
		zmi->_zi = raw_node_dpp(&fs->nodes[0]);
		zmi->fs_caps = raw_config.fs_caps;
		zmi->s_blocksize_bits = ZUFS_PAGE_SHIFT;
		zmi->nio_write_min = raw_config.nio_write_min;
	}
	raw_unlock();
	return fs ? 0 : -ENOMEM;
}

static int do_umount(struct zufs_mount_info *zmi)
{
	struct raw_fs *fs;

	raw_lock();
	fs = raw_fs_of(zmi->zus_sbi);
	if (fs) {
		/* of a mount that a rule spoiled the root comes back in no other way */
		fs->nodes[0].refs = 0;
		raw_note("refs %u at umount", raw_count().refs);
		raw_fs_destroy(fs);
	}
	raw_unlock();
	return fs ? 0 : -EINVAL;
}

/* One text of two lines, one per read; writes are only recorded. */
static int do_ddbg_read(struct zufs_ddbg_info *zdi)
{
	static const char * const lines[] = {
		"raw.c:1 [raw] one =_ \"first\"\n", "raw.c:2 [raw] two =p \"second\"\n",
	};
	size_t len;

	if (zdi->id >= 2) {
		zdi->len = 0;
		return 0;
	}
	len = strlen(lines[zdi->id]);
	if (len > zdi->len)
		len = zdi->len;
	memcpy(ZUFS_TAIL(zdi, msg), lines[zdi->id], len);
	zdi->len = len;
	zdi->id++;
	return 0;
}

static int do_message(struct zufs_ioc_mount *msg)
{
	switch (msg->hdr.operation) {
	case ZUFS_M_MOUNT:
		return do_mount(&msg->zmi);
	case ZUFS_M_UMOUNT:
		return do_umount(&msg->zmi);
	case ZUFS_M_REMOUNT:
		raw_lock();
		raw_note("remount flags %llu, mount flags %#llx",
			 (unsigned long long)msg->zmi.remount_flags,
			 (unsigned long long)msg->zmi.po.mount_flags);
		raw_unlock();
		return 0;
	case ZUFS_M_DDBG_RD:
		return do_ddbg_read(&msg->zdi);
	case ZUFS_M_DDBG_WR:
		raw_lock();
		raw_note("ddbg %.200s", (const char *)ZUFS_TAIL(msg, zdi.msg));
		raw_unlock();
		return 0;
	default:
		raw_lock();
		raw_stats.bad_messages++;
		raw_note("unknown mount message %u", msg->hdr.operation);
		raw_unlock();
		return 0;
	}
}

static void serve(struct zufs_ioc_mount *msg)
{
	unsigned int op = RAW_OP_MOUNT_BASE + msg->hdr.operation;
	struct raw_rule *rule;

	raw_lock();
	raw_record(op, NULL, &msg->hdr);
	if (op == RAW_OP_MOUNT_BASE + ZUFS_M_MOUNT)
		raw_note("options %s", (const char *)ZUFS_TAIL(msg, zmi.po.mount_options));
	rule = raw_rule_match(op, &msg->hdr);
	raw_unlock();
	if (!raw_rule_replaces(rule))
		msg->hdr.err = do_message(msg);
	if (rule)
		raw_rule_apply(rule, op, NULL, &msg->hdr);
}

static void *mounter(void *arg)
{
	struct zufs_ioc_mount *msg = &raw_mount.msg;

	(void)arg;
	for (;;) {
		if (ioctl(raw_mounter_fd, ZU_IOC_MOUNT, msg) < 0) {
			if (errno == EINTR)
				continue;
			fprintf(stderr, "rawserver: mounter: %s\n", strerror(errno));
			return NULL;
		}
		/* BREAK has the number of MOUNT, but an error */
		if (msg->hdr.operation == ZUFS_OP_BREAK && msg->hdr.err == EIO)
			continue;
		serve(msg);
	}
}

int raw_mounter_start(void)
{
	pthread_t thread;

	raw_mounter_fd = raw_open();
	if (raw_mounter_fd < 0)
		return -errno;
	return -pthread_create(&thread, NULL, mounter, NULL);
}

void raw_break_all(void)
{
	struct zufs_ioc_break_all brk = { .hdr.in_len = sizeof(brk) };

	if (ioctl(raw_mounter_fd, ZU_IOC_BREAK_ALL, &brk) < 0)
		fprintf(stderr, "rawserver: BREAK_ALL: %s\n", strerror(errno));
}
