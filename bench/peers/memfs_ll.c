// SPDX-License-Identifier: BSD-2-Clause
/*
 * memfs_ll.c: the FUSE peer, a multi-threaded memory file system on libfuse's low-level interface.
 *
 *	memfs_ll [-o direct_io] [FUSE options] DIR
 *
 * Written to be as fast as the interface allows: replies to reads point into file data, splice
 * is off (its pipes cost more than the copy), every worker has its own clone of the device,
 * names and attributes are cached by the kernel for ever. With -o direct_io files bypass the
 * page cache. Locking: memfs.lock is shared for reads and in-place writes, exclusive for the
 * rest. The kernel passes inodes as pointers.
 */
#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "memfs_node.h"

#define CACHE_SECONDS	86400.0
#define READ_IOVS	18	/* 16 MiB in 1 MiB chunks, unaligned; FUSE asks for 1 MiB at most */

static struct {
	pthread_rwlock_t lock;
	struct node *root;
	int direct_io;		/* option, constant after start-up */
	fsblkcnt_t pages;	/* of memory, constant after start-up */
} memfs = { .lock = PTHREAD_RWLOCK_INITIALIZER };

static char zeros[CHUNK_BYTES];

static const struct fuse_opt memfs_options[] = {
	{ "direct_io", 0, 1 },
	FUSE_OPT_END
};

static void lock_shared(void)
{
	pthread_rwlock_rdlock(&memfs.lock);
}

static void lock_exclusive(void)
{
	pthread_rwlock_wrlock(&memfs.lock);
}

static void unlock(void)
{
	pthread_rwlock_unlock(&memfs.lock);
}

static struct node *get_node(fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? memfs.root : (struct node *)(uintptr_t)ino;
}

/* rep movs on purpose: the plugin counts its iterations as copies, whatever the C library does. */
static void copy_bytes(char *to, const char *from, size_t len)
{
	size_t words = len / 8, rest = len % 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
}

static void touch(struct node *node)
{
	clock_gettime(CLOCK_REALTIME_COARSE, &node->st.st_mtim);
	node->st.st_ctim = node->st.st_mtim;
}

/* The caller holds the lock exclusively: the kernel gets a reference. */
static void fill_entry(struct fuse_entry_param *param, struct node *node)
{
	memset(param, 0, sizeof(*param));
	param->ino = node == memfs.root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)node;
	param->attr = node->st;
	param->attr_timeout = CACHE_SECONDS;
	param->entry_timeout = CACHE_SECONDS;
	node->nlookup++;
}

static void reply_entry_or_error(fuse_req_t req, int err, const struct fuse_entry_param *param)
{
	if (err)
		fuse_reply_err(req, -err);
	else
		fuse_reply_entry(req, param);
}

static void memfs_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->want &= ~(unsigned int)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
				      FUSE_CAP_SPLICE_MOVE);
}

static void memfs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param param = { .entry_timeout = CACHE_SECONDS };
	struct entry *e;

	lock_exclusive();
	e = dir_find(get_node(parent)->dir, name);
	if (e)
		fill_entry(&param, e->node);
	unlock();
	fuse_reply_entry(req, &param);	/* inode 0: remember that there is none */
}

static void forget_one(fuse_ino_t ino, uint64_t nlookup)
{
	struct node *node = get_node(ino);

	if (node == memfs.root)
		return;
	node->nlookup -= nlookup;
	node_put_if_unused(node);
}

static void memfs_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	lock_exclusive();
	forget_one(ino, nlookup);
	unlock();
	fuse_reply_none(req);
}

static void memfs_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	lock_exclusive();
	for (size_t i = 0; i < count; i++)
		forget_one(forgets[i].ino, forgets[i].nlookup);
	unlock();
	fuse_reply_none(req);
}

/* Make a node under a name; takes the lock. 0 or -errno. */
static int make_node(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev,
		     const char *target, struct fuse_entry_param *param)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct node *dir = get_node(parent), *node;
	int err = -ENOMEM;

	lock_exclusive();
	if (dir_find(dir->dir, name)) {
		err = -EEXIST;
		goto out;
	}
	node = node_create(mode, ctx->uid, ctx->gid, rdev);
	if (!node)
		goto out;
	if (target) {
		node->target = strdup(target);
		node->st.st_size = (off_t)strlen(target);
	}
	if ((target && !node->target) || dir_add(dir->dir, name, node)) {
		node->st.st_nlink = 0;
		node_put_if_unused(node);
		goto out;
	}
	if (node->dir) {
		node->dir->parent = dir;
		dir->st.st_nlink++;
	}
	touch(dir);
	fill_entry(param, node);
	err = 0;
out:
	unlock();
	return err;
}

static void memfs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			dev_t rdev)
{
	struct fuse_entry_param param;
	int err = make_node(req, parent, name, mode, rdev, NULL, &param);

	reply_entry_or_error(req, err, &param);
}

static void memfs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct fuse_entry_param param;
	int err = make_node(req, parent, name, mode | S_IFDIR, 0, NULL, &param);

	reply_entry_or_error(req, err, &param);
}

static void memfs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param param;
	int err = make_node(req, parent, name, S_IFLNK | 0777, 0, target, &param);

	reply_entry_or_error(req, err, &param);
}

static void memfs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct node *node = get_node(ino), *dir = get_node(parent);
	struct fuse_entry_param param;
	int err;

	lock_exclusive();
	err = dir_find(dir->dir, name) ? -EEXIST : dir_add(dir->dir, name, node);
	if (!err) {
		node->st.st_nlink++;
		touch(dir);
		fill_entry(&param, node);
	}
	unlock();
	reply_entry_or_error(req, err, &param);
}

/* Drop the link that an entry was; the caller holds the lock exclusively and removed the entry. */
static void drop_link(struct node *dir, struct node *node)
{
	node->st.st_nlink--;
	if (node->dir) {
		node->st.st_nlink--;	/* its own "." */
		dir->st.st_nlink--;	/* its ".." */
	}
	touch(dir);
	clock_gettime(CLOCK_REALTIME_COARSE, &node->st.st_ctim);
	node_put_if_unused(node);
}

/* Whether an entry may be removed as a directory, or as anything else. */
static int check_removable(const struct entry *e, bool as_dir)
{
	if (!e)
		return -ENOENT;
	if (as_dir && !e->node->dir)
		return -ENOTDIR;
	if (!as_dir && e->node->dir)
		return -EISDIR;
	if (as_dir && e->node->dir->entries)
		return -ENOTEMPTY;
	return 0;
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name, bool as_dir)
{
	struct node *dir = get_node(parent), *node;
	struct entry *e;
	int err;

	lock_exclusive();
	e = dir_find(dir->dir, name);
	err = check_removable(e, as_dir);
	if (!err) {
		node = e->node;
		dir_remove(dir->dir, e);
		drop_link(dir, node);
	}
	unlock();
	fuse_reply_err(req, -err);
}

static void memfs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, false);
}

static void memfs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, true);
}

/* The caller holds the lock exclusively. */
static int rename_locked(struct node *from, const char *name, struct node *to, const char *new_name,
			 unsigned int flags)
{
	struct entry *source = dir_find(from->dir, name), *victim = dir_find(to->dir, new_name);
	struct node *node;
	int err;

	if (!source)
		return -ENOENT;
	if (flags & ~1u)		/* all but RENAME_NOREPLACE */
		return -EINVAL;
	if (victim && flags)
		return -EEXIST;
	node = source->node;
	if (victim && victim->node == node)
		return 0;
	err = victim ? check_removable(victim, node->dir != NULL) : 0;
	if (!err)
		err = dir_add(to->dir, new_name, node);
	if (err)
		return err;
	if (victim) {
		struct node *gone = victim->node;

		dir_remove(to->dir, victim);
		drop_link(to, gone);
	}
	dir_remove(from->dir, source);
	if (node->dir) {
		from->st.st_nlink--;
		to->st.st_nlink++;
		node->dir->parent = to;
	}
	touch(from);
	touch(to);
	return 0;
}

static void memfs_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
			 const char *new_name, unsigned int flags)
{
	int err;

	lock_exclusive();
	err = rename_locked(get_node(parent), name, get_node(new_parent), new_name, flags);
	unlock();
	fuse_reply_err(req, -err);
}

static void memfs_readlink(fuse_req_t req, fuse_ino_t ino)
{
	fuse_reply_readlink(req, get_node(ino)->target);	/* never changes */
}

static void memfs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;

	(void)fi;
	lock_shared();
	st = get_node(ino)->st;
	unlock();
	fuse_reply_attr(req, &st, CACHE_SECONDS);
}

static void set_times(struct node *node, const struct stat *attr, int valid)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (valid & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW))
		node->st.st_atim = valid & FUSE_SET_ATTR_ATIME_NOW ? now : attr->st_atim;
	if (valid & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW))
		node->st.st_mtim = valid & FUSE_SET_ATTR_MTIME_NOW ? now : attr->st_mtim;
	node->st.st_ctim = now;
}

static void memfs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int valid,
			  struct fuse_file_info *fi)
{
	struct node *node = get_node(ino);
	struct stat st;

	(void)fi;
	lock_exclusive();
	if (valid & FUSE_SET_ATTR_MODE)
		node->st.st_mode = (node->st.st_mode & S_IFMT) | (attr->st_mode & ~(mode_t)S_IFMT);
	if (valid & FUSE_SET_ATTR_UID)
		node->st.st_uid = attr->st_uid;
	if (valid & FUSE_SET_ATTR_GID)
		node->st.st_gid = attr->st_gid;
	if (valid & FUSE_SET_ATTR_SIZE) {
		node_truncate(node, attr->st_size);
		touch(node);
	}
	set_times(node, attr, valid);
	st = node->st;
	unlock();
	fuse_reply_attr(req, &st, CACHE_SECONDS);
}

/* The size of memory; what is free of it would cost a look into /proc on every call. */
static void memfs_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st = {
		.f_bsize = 4096, .f_frsize = 4096, .f_namemax = 255,
		.f_blocks = memfs.pages, .f_bfree = memfs.pages, .f_bavail = memfs.pages,
	};

	(void)ino;
	fuse_reply_statfs(req, &st);
}

static void set_open_flags(struct fuse_file_info *fi)
{
	fi->direct_io = memfs.direct_io != 0;
	fi->keep_cache = !memfs.direct_io;
}

static void memfs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	set_open_flags(fi);
	fuse_reply_open(req, fi);
}

static void memfs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
			 struct fuse_file_info *fi)
{
	struct fuse_entry_param param;
	int err = make_node(req, parent, name, mode, 0, NULL, &param);

	set_open_flags(fi);
	if (err)
		fuse_reply_err(req, -err);
	else
		fuse_reply_create(req, &param, fi);
}

static void memfs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t at,
		       struct fuse_file_info *fi)
{
	struct node *node = get_node(ino);
	struct iovec iov[READ_IOVS];
	int n = 0;

	(void)fi;
	lock_shared();
	if (at >= node->st.st_size)
		size = 0;
	else if (size > (size_t)(node->st.st_size - at))
		size = (size_t)(node->st.st_size - at);
	while (size && n < READ_IOVS) {
		size_t in_chunk = (size_t)at % CHUNK_BYTES, len = CHUNK_BYTES - in_chunk;
		char *chunk = node_chunk(node, at);

		if (len > size)
			len = size;
		iov[n].iov_base = (chunk ? chunk : zeros) + in_chunk;
		iov[n++].iov_len = len;
		at += (off_t)len;
		size -= len;
	}
	fuse_reply_iov(req, iov, n);
	unlock();
}

/* In place is for the shared lock: false when that would move the size or need a new chunk. */
static bool write_in_place(struct node *node, const char *buf, size_t size, off_t at, bool in_place)
{
	if (in_place && at + (off_t)size > node->st.st_size)
		return false;
	for (off_t pos = at; in_place && pos < at + (off_t)size; pos += CHUNK_BYTES)
		if (!node_chunk(node, pos))
			return false;
	while (size) {
		size_t in_chunk = (size_t)at % CHUNK_BYTES, len = CHUNK_BYTES - in_chunk;
		char *chunk = in_place ? node_chunk(node, at) : node_chunk_make(node, at);

		if (!chunk)
			return false;
		if (len > size)
			len = size;
		copy_bytes(chunk + in_chunk, buf, len);
		buf += len;
		at += (off_t)len;
		size -= len;
	}
	return true;
}

static void memfs_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t at,
			struct fuse_file_info *fi)
{
	struct node *node = get_node(ino);
	bool done;

	(void)fi;
	lock_shared();
	done = write_in_place(node, buf, size, at, true);
	unlock();
	if (!done) {
		lock_exclusive();
		done = write_in_place(node, buf, size, at, false);
		if (done && at + (off_t)size > node->st.st_size)
			node->st.st_size = at + (off_t)size;
		touch(node);
		unlock();
	}
	if (done)
		fuse_reply_write(req, size);
	else
		fuse_reply_err(req, ENOMEM);
}

static void memfs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)ino;
	(void)datasync;
	(void)fi;
	fuse_reply_err(req, 0);
}

/* Append an entry to a readdir answer; false when it does not fit. */
static bool put_dirent(fuse_req_t req, char *buf, size_t room, size_t *used, const char *name,
		       const struct node *node, uint64_t next)
{
	size_t len = fuse_add_direntry(req, buf + *used, room - *used, name, &node->st,
				       (off_t)next);

	if (len > room - *used)
		return false;
	*used += len;
	return true;
}

/* Cookies 1 and 2 follow "." and ".."; an entry at position p is followed by p + 2. */
static void memfs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t at,
			  struct fuse_file_info *fi)
{
	struct node *node = get_node(ino);
	char *buf = malloc(size);
	struct entry *e;
	size_t used = 0;
	bool fits = true;

	(void)fi;
	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	lock_shared();
	if (at == 0)
		fits = put_dirent(req, buf, size, &used, ".", node, 1);
	if (fits && at <= 1)
		fits = put_dirent(req, buf, size, &used, "..", node->dir->parent, 2);
	e = dir_next(node->dir, at > 2 ? (uint64_t)at - 1 : 0);
	while (fits && e) {
		fits = put_dirent(req, buf, size, &used, e->name, e->node, e->position + 2);
		e = dir_next(node->dir, e->position + 1);
	}
	unlock();
	fuse_reply_buf(req, buf, used);
	free(buf);
}

static const struct fuse_lowlevel_ops memfs_ops = {
	.init		= memfs_init,
	.lookup		= memfs_lookup,
	.forget		= memfs_forget,
	.forget_multi	= memfs_forget_multi,
	.getattr	= memfs_getattr,
	.setattr	= memfs_setattr,
	.readlink	= memfs_readlink,
	.mknod		= memfs_mknod,
	.mkdir		= memfs_mkdir,
	.unlink		= memfs_unlink,
	.rmdir		= memfs_rmdir,
	.symlink	= memfs_symlink,
	.rename		= memfs_rename,
	.link		= memfs_link,
	.open		= memfs_open,
	.create		= memfs_create,
	.read		= memfs_read,
	.write		= memfs_write,
	.fsync		= memfs_fsync,
	.readdir	= memfs_readdir,
	.statfs		= memfs_statfs,
};

/* Mount, serve until unmounted, clean up. Returns an exit status. */
static int serve(struct fuse_args *args, const struct fuse_cmdline_opts *opts)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	struct fuse_session *session;
	int status = 1;

	fuse_loop_cfg_set_clone_fd(config, 1);
	session = fuse_session_new(args, &memfs_ops, sizeof(memfs_ops), NULL);
	if (!session)
		goto out_config;
	if (fuse_set_signal_handlers(session))
		goto out_session;
	if (fuse_session_mount(session, opts->mountpoint))
		goto out_signals;
	if (!fuse_daemonize(opts->foreground))
		status = fuse_session_loop_mt(session, config) ? 1 : 0;
	fuse_session_unmount(session);
out_signals:
	fuse_remove_signal_handlers(session);
out_session:
	fuse_session_destroy(session);
out_config:
	fuse_loop_cfg_destroy(config);
	return status;
}

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts opts = { 0 };
	int status = 2;

	if (fuse_opt_parse(&args, &memfs.direct_io, memfs_options, NULL) ||
	    fuse_parse_cmdline(&args, &opts) || !opts.mountpoint) {
		fprintf(stderr, "usage: memfs_ll [-f] [-o direct_io] [-o FUSE-OPTION]... DIR\n");
		goto out;
	}
	memfs.root = node_create(S_IFDIR | 0755, getuid(), getgid(), 0);
	if (!memfs.root) {
		fprintf(stderr, "memfs_ll: out of memory\n");
		status = 1;
		goto out;
	}
	memfs.root->st.st_ino = FUSE_ROOT_ID;
	memfs.root->dir->parent = memfs.root;
	memfs.pages = (fsblkcnt_t)sysconf(_SC_PHYS_PAGES);
	status = serve(&args, &opts);
out:
	free(opts.mountpoint);
	fuse_opt_free_args(&args);
	return status;
}
