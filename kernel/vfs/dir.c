// SPDX-License-Identifier: GPL-2.0-only
/*
 * dir.c - readdir: entries of the server, checked one by one
 *
 * The VFS has "." and ".." at positions 0 and 1, and position p + 2 for the server's position p;
 * dot entries that come from a server are left out. Each entry has a fixed position: asked from
 * that position, the server starts with this entry, whatever was removed meanwhile. Positions
 * rise from entry to entry and from call to call, and i_size lies behind all of them. If i_size
 * has grown since the open, the listing ends at the i_size of the open, however much its reader
 * adds. The VFS holds the inode lock shared, and the lock of f_pos.
 */
#include <linux/log2.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "chan.h"
#include "dir.h"
#include "dispatch.h"
#include "inode.h"
#include "ioctl.h"
#include "sb.h"

#define POS_DOTS	2			/* VFS positions before the first of the server's */
#define POS_MAX		((1LL << 56) - 1)	/* an entry has 7 bytes for its position */

/*
 * The kernel buffer doubles while a listing goes on, and shrinks to what the reader took of it:
 * the rest must be asked for again.
 */
#define BUF_MIN		SZ_4K
#define BUF_MAX		SZ_64K

/* An open directory, in file->private_data; guarded by the lock of f_pos. */
struct open_dir {
	loff_t end;		/* VFS position where the listing ended, or -1 */
	u64 limit;		/* server position that was behind all entries at the open */
	size_t buf_size;
};

/* One answer of the server, and how much of it was passed on. */
struct walk {
	void *buf;
	size_t len;
	u64 limit;		/* entries from this position on are left out */
	bool past;		/* such an entry has come */
	bool more;		/* the server has more entries, from @go_on on */
	u64 go_on;
	u64 next;		/* lowest position that the next entry may have */
	bool emitted;		/* at least one entry was passed on */
	bool full;		/* the reader's buffer is full, after @used bytes of @buf */
	size_t used;
};

/* Begin a listing: names that are added later may be left out. */
static void dir_begin(struct open_dir *dir, const struct inode *inode)
{
	dir->end = -1;
	dir->limit = i_size_read(inode);
}

static int zuf_dir_open(struct inode *inode, struct file *file)
{
	struct open_dir *dir = kmalloc(sizeof(*dir), GFP_KERNEL_ACCOUNT);

	if (!dir)
		return -ENOMEM;
	dir_begin(dir, inode);
	dir->buf_size = BUF_MIN;
	file->private_data = dir;
	return 0;
}

static int zuf_dir_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static loff_t zuf_dir_llseek(struct file *file, loff_t offset, int whence)
{
	struct inode *inode = file_inode(file);
	loff_t old = file->f_pos, pos;

	pos = generic_file_llseek_size(file, offset, whence, POS_MAX + POS_DOTS,
				       i_size_read(inode));
	/*
	 * a caller that only asks for the position, as between two entries, begins no new
	 * listing
	 */
	if (pos >= 0 && (pos != old || !pos))
		dir_begin(file->private_data, inode);
	return pos;
}

static int ask_server(struct inode *inode, u64 pos, struct walk *walk)
{
	struct zufs_ioc_readdir msg = {
		.hdr = ZUF_HDR(ZUFS_OP_READDIR, sizeof(msg), 0, sizeof(msg)),
		.pos = pos,
	};
	struct zuf_win win = { .kind = ZUF_WIN_KBUF, .kbuf = walk->buf, .len = walk->len };
	struct zuf_op op = ZUF_OP(&msg, .win = &win, .flags = ZUF_OPF_SHARED,
				  ZUF_INODE(inode, struct zufs_ioc_readdir, dir_ii),
				  ZUF_OUT(struct zufs_ioc_readdir, pos, sizeof(msg)));
	int err;

	err = zuf_dispatch(ZUF_SB(inode->i_sb), &op);
	if (err)
		return err;
	if (op.answered < sizeof(msg))
		return -EIO;
	walk->len = win.done;
	walk->more = msg.more;
	walk->go_on = msg.pos;
	walk->next = pos;
	return 0;
}

static bool is_dots(const struct zufs_str *name)
{
	return name->name[0] == '.' &&
	       (name->len == 1 || (name->len == 2 && name->name[1] == '.'));
}

/* Servers of 2019 may count the NUL behind a name as part of it. */
static u8 len_without_nul(const struct zufs_str *name)
{
	return name->len - !name->name[name->len - 1];
}

static bool is_valid(const struct zufs_dir_entry *zde)
{
	const struct zufs_str *name = &zde->zstr;

	return zde->ino && name->len && !memchr(name->name, '/', name->len) &&
	       !memchr(name->name, '\0', name->len);
}

static int emit_entries(struct dir_context *ctx, struct walk *walk)
{
	struct zufs_readdir_iter it = { .__zde = walk->buf, .last = walk->buf + walk->len };
	struct zufs_dir_entry *zde;
	u64 pos;

	while ((zde = zufs_next_zde(&it))) {
		zde->zstr.len = len_without_nul(&zde->zstr);
		if (is_dots(&zde->zstr))
			continue;
		pos = zufs_zde_pos(zde);
		if (pos < walk->next || !is_valid(zde)) {
			ctx->pos = walk->next + POS_DOTS;
			return -EIO;
		}
		walk->past = pos >= walk->limit;
		if (walk->past)
			return 0;
		ctx->pos = pos + POS_DOTS;
		walk->full = !dir_emit(ctx, zde->zstr.name, zde->zstr.len,
				       le64_to_cpu(zde->ino),
				       zde->type <= S_DT_MASK ? zde->type : DT_UNKNOWN);
		if (walk->full) {
			walk->used = (void *)zde - walk->buf;
			return 0;
		}
		walk->emitted = true;
		walk->next = pos + 1;
	}
	return 0;
}

/* All entries of the answer were passed on: find out where the listing continues. */
static int end_of_answer(struct open_dir *dir, struct dir_context *ctx, struct walk *walk)
{
	u64 least = walk->emitted ? walk->next : walk->next + 1;

	ctx->pos = walk->next + POS_DOTS;
	if (walk->past) {
		walk->more = false;
		dir->end = ctx->pos;
		return 0;
	}
	if (walk->more) {
		if (walk->go_on < least || walk->go_on > POS_MAX)
			return -EIO;
		ctx->pos = walk->go_on + POS_DOTS;
		dir->buf_size = min_t(size_t, dir->buf_size * 2, BUF_MAX);
		return 0;
	}
	if (walk->go_on > walk->next && walk->go_on <= POS_MAX)
		ctx->pos = walk->go_on + POS_DOTS;
	dir->end = ctx->pos;
	return 0;
}

static int read_some(struct file *file, struct dir_context *ctx, struct walk *walk)
{
	struct open_dir *dir = file->private_data;
	struct inode *inode = file_inode(file);
	int err;

	err = ask_server(inode, ctx->pos - POS_DOTS, walk);
	if (err)
		return err;
	err = emit_entries(ctx, walk);
	if (walk->full)
		dir->buf_size = clamp_t(size_t, roundup_pow_of_two(walk->used + 1),
					BUF_MIN, BUF_MAX);
	else if (!err)
		err = end_of_answer(dir, ctx, walk);
	if (err)
		pr_warn_ratelimited("sb %llu: directory %llu: the server's entries make no sense\n",
				    ZUF_SB(inode->i_sb)->sb_id, (u64)inode->i_ino);
	return err;
}

static int zuf_readdir(struct file *file, struct dir_context *ctx)
{
	struct open_dir *dir = file->private_data;
	size_t len = min_t(size_t, dir->buf_size, ZUF_BOUNCE_SMALL);
	struct walk walk = { .limit = U64_MAX };
	int err;

	if (!dir_emit_dots(file, ctx) || ctx->pos == dir->end)
		return 0;
	if (i_size_read(file_inode(file)) > dir->limit)
		walk.limit = dir->limit;
	walk.buf = kvmalloc(len, GFP_KERNEL);
	if (!walk.buf)
		return -ENOMEM;
	do {
		walk.len = len;
		err = read_some(file, ctx, &walk);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	} while (!err && walk.more && !walk.emitted && !walk.full);
	kvfree(walk.buf);
	return err;
}

const struct file_operations zuf_dir_file_ops = {
	.open		= zuf_dir_open,
	.release	= zuf_dir_release,
	.llseek		= zuf_dir_llseek,
	.read		= generic_read_dir,
	.iterate_shared	= zuf_readdir,
	.fsync		= noop_fsync,
	.unlocked_ioctl	= zuf_ioctl,
	.compat_ioctl	= zuf_compat_ioctl,
};
