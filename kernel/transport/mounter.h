/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mounter.h - messages to the mounter, the one thread of the server that mounts and unmounts
 */
#ifndef ZUF_MOUNTER_H
#define ZUF_MOUNTER_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include "zuf/zus_api.h"

struct vfsmount;
struct zuf_peer;

/* Header of a message that is answered with its whole struct. */
#define ZUF_MNT_HDR(op_, len_) {					\
	.operation = (op_), .in_len = (len_), .out_len = (len_),	\
}

/* Largest message: as much as a page of the server's buffer can take. */
#define ZUF_MNT_MSG_MAX 4096

enum zuf_mnt_state {
	ZUF_MNT_NONE,		/* there is no mounter file */
	ZUF_MNT_AWAY,		/* the server runs outside of the ioctl */
	ZUF_MNT_WAITING,	/* the server sleeps in the ioctl */
	ZUF_MNT_POSTED,		/* a caller has put a message, and owns it */
	ZUF_MNT_TAKEN,		/* the server works on the message */
	ZUF_MNT_ANSWERED,	/* the caller has not yet looked at the answer */
	ZUF_MNT_ABANDONED,	/* TAKEN, but the caller is gone */
};

struct zuf_mounter {
	unsigned long calling;		/* bit 0: a caller has its turn: one message at a time */
	struct mutex thread;		/* held by the one thread of the server in the ioctl */
	spinlock_t lock;		/* state, brk, message hand-over */
	enum zuf_mnt_state state;
	u32 stops;			/* how often the role has ended */
	bool brk;			/* BREAK_ALL was called */
	struct zufs_ioc_mount *msg;	/* ZUF_MNT_MSG_MAX bytes; owner by state */
	s32 result;			/* of the message, in ANSWERED */
	u64 undo_sbi;			/* an abandoned mount, which must be undone; or 0 */
	struct vfsmount *mnt;		/* the root's mount, while state != NONE */
	const void *owner;		/* the special file that has the role, or NULL */
	wait_queue_head_t server_wait, caller_wait, turn_wait;
};

int zuf_mounter_init(struct zuf_mounter *m);
void zuf_mounter_fini(struct zuf_mounter *m);

/**
 * zuf_mounter_call() - send a message and wait for the answer; killable
 * @peer: whose server is asked
 * @gen: the server that the message is for; a later server does not get it
 * @msg: message with operation, in_len, out_len set; the answer (out_len bytes)
 *	is copied back
 *
 * Return: 0, the server's errno, -EIO (no mounter, or that server went away),
 * -EBADRQC (positive result), -E2BIG, -EINTR (killed while waiting; a mount
 * that succeeds afterwards is undone: see zuf_mounter_settle()).
 */
int zuf_mounter_call(struct zuf_peer *peer, u32 gen, struct zufs_ioc_mount *msg);
/* Wait killably until the server @gen has done with what killed callers left, or is gone. */
void zuf_mounter_settle(struct zuf_peer *peer, u32 gen);

/*
 * ZU_IOC_MOUNT, on a file that has the role.
 * Return: as the ioctl; -EBUSY: another thread is in it; -EIO: @owner has lost the role.
 */
long zuf_mounter_wait(struct zuf_peer *peer, const void *owner,
		      struct zufs_ioc_mount __user *arg);
void zuf_mounter_break(struct zuf_mounter *m);
/* Take the mounter role. Return: 0, or -EBUSY: somebody holds it. */
int zuf_mounter_start(struct zuf_mounter *m, const void *owner, struct vfsmount *mnt);
/* Give up the mounter role (@owner NULL: whoever holds it). Return true if it was held. */
bool zuf_mounter_stop(struct zuf_mounter *m, const void *owner);
/*
 * Wait, killably, until the thread of a role that has ended has left the ioctl.
 * Return: 0 or -EINTR.
 */
int zuf_mounter_wait_left(struct zuf_mounter *m);
/* The root's mount, referenced, or NULL when there is no mounter. */
struct vfsmount *zuf_mounter_mnt(struct zuf_mounter *m);

#endif
