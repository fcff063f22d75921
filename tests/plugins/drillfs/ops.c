// SPDX-License-Identifier: BSD-2-Clause
/*
 * ops.c - data operations: what the rules say, and memofs's work
 *
 * Called by the core on ZTs. rules are large (their lists), so an operation's copy lies in
 * memory of its own.
 */
#include "drill.h"

#include <string.h>
#include <sys/ioctl.h>

void drill_result(struct drill_sb *d, int err)
{
	pthread_mutex_lock(&d->lock);
	if (d->nr_results < DRILL_RESULTS)
		d->results[d->nr_results++] = err;
	pthread_mutex_unlock(&d->lock);
}

static void hang(struct drill_sb *d)
{
	uint64_t now;

	pthread_mutex_lock(&d->lock);
	now = d->releases;
	d->stats.hangs++;
	pthread_cond_broadcast(&d->changed);
	while (d->releases == now)
		pthread_cond_wait(&d->changed, &d->lock);
	pthread_mutex_unlock(&d->lock);
}

/* If this is a restart: what came of the list. */
static void note_restart(struct drill_sb *d, struct zus_io *io)
{
	int err;

	if (!zus_iomap_take(io, &err))
		return;
	drill_flip_stop(d);
	__atomic_fetch_add(&d->stats.restarts, 1, __ATOMIC_RELAXED);
	drill_result(d, err);
}

static int retry(struct drill_sb *d, const struct drill_rule *r, struct zus_io *io)
{
	struct zus_iomap iom;

	zus_iomap_init_io(&iom, io);
	if (r->n > iom.max)
		return -E2BIG;
	memcpy(iom.words, r->list, r->n * sizeof(r->list[0]));
	iom.n = r->n;
	zus_iomap_set_flags(&iom, r->ret_flags);
	if (r->does & DRILL_FLIP && r->flip_index < r->n)
		drill_flip_start(d, &iom.words[r->flip_index], r->flip_word);
	__atomic_fetch_add(&d->stats.retries, 1, __ATOMIC_RELAXED);
	return zus_iomap_retry(&iom, io, 1);
}

/*
 * What comes before the work: true = *ret is the answer. The rule is the caller's to free.
 */
static bool before(struct zus_ii *ii, enum drill_op op, struct zus_io *io,
		   struct drill_rule **rule, int64_t *ret)
{
	struct drill_sb *d = drill_sb_of(ii->sb);
	struct drill_rule *r = zus_alloc(ii->sb->env, sizeof(*r));

	*rule = r;
	*ret = -ENOMEM;
	if (!r)
		return true;
	if (io)
		note_restart(d, io);
	drill_rule_match(d, op, ii, r);
	if (r->does & DRILL_HANG)
		hang(d);
	if (r->does & DRILL_LIST && io)
		*ret = retry(d, r, io);
	else if (r->does & DRILL_RET)
		*ret = r->ret;
	return r->does & (DRILL_LIST | DRILL_RET);
}

/* What follows memofs's work; moving is held. */
static int64_t after_rw(struct zus_ii *ii, const struct drill_rule *r, struct zus_io *io,
			int64_t n)
{
	if (n < 0)
		return n;
	if (r->does & DRILL_MOVE)
		drill_move_here(drill_sb_of(ii->sb), ii, r->page);
	io->ret_flags |= r->ret_flags;
	if (r->does & DRILL_UNMAP) {
		io->unmap_offset = r->unmap_offset;
		io->unmap_len = r->unmap_len;
	}
	return r->does & DRILL_SHORT && (uint64_t)n > r->max ? (int64_t)r->max : n;
}

ssize_t drill_read(struct zus_ii *ii, struct zus_io *io)
{
	struct drill_sb *d = drill_sb_of(ii->sb);
	struct drill_rule *r;
	int64_t n;

	if (!before(ii, DRILL_READ, io, &r, &n)) {
		pthread_rwlock_rdlock(&d->moving);
		n = after_rw(ii, r, io, memofs_read(ii, io));
		pthread_rwlock_unlock(&d->moving);
		if (n > 0 && r->does & DRILL_HOLE)
			memset(io->buf, 0, (size_t)n);
	}
	zus_free(ii->sb->env, r);
	return n;
}

ssize_t drill_write(struct zus_ii *ii, struct zus_io *io)
{
	struct drill_sb *d = drill_sb_of(ii->sb);
	struct drill_rule *r;
	int64_t n;

	if (!before(ii, DRILL_WRITE, io, &r, &n)) {
		/* what is not to be done must not be done: a size that moved stays */
		if (r->does & DRILL_SHORT && io->len > r->max)
			io->len = r->max;
		pthread_rwlock_rdlock(&d->moving);
		n = after_rw(ii, r, io, memofs_write(ii, io));
		pthread_rwlock_unlock(&d->moving);
		if (r->does & DRILL_LINGER)
			hang(d);
	}
	zus_free(ii->sb->env, r);
	return n;
}

static void say_each_word(struct zus_blocks *b)
{
	uint64_t bn = zus_blocks_bn(b, 0);

	b->n = 0;
	b->internal.large = 0;
	zus_blocks_add_run(b, bn, zus_blocks_room(b));
}

/* The answer as the rule wants it. */
static void spoil_blocks(const struct drill_rule *r, struct zus_blocks *b)
{
	uint32_t i;

	b->ret_flags |= r->ret_flags;
	if (r->does & DRILL_WORDS && b->internal.large)
		say_each_word(b);
	if (r->does & DRILL_SHORT && b->n > r->max)
		b->n = (uint32_t)r->max;
	for (i = 0; i < b->n; i++) {
		if (r->does & DRILL_WORD)
			b->internal.words[i] = r->word;
		else if (r->does & DRILL_HOLE)
			b->internal.words[i] = zufs_iom_pack(IOM_T1_READ, 0);
	}
	if (r->does & DRILL_LASTWORD && b->n)
		b->internal.words[b->n - 1] = r->word;
	if (r->does & DRILL_UNMAP) {
		b->io->internal.msg->wr_unmap.offset = r->unmap_offset;
		b->io->internal.msg->wr_unmap.len = r->unmap_len;
	}
}

/* A page fault that finds a hole: no put will follow. */
static bool is_hole_fault(const struct zus_blocks *b)
{
	return (b->rw & (ZUFS_RW_MMAP | ZUFS_RW_WRITE)) == ZUFS_RW_MMAP &&
	       zus_blocks_wanted(b) == 1 &&
	       b->internal.words[0] == zufs_iom_pack(IOM_T1_READ, 0) &&
	       !(b->ret_flags & ZUFS_RET_LOCKED_PUT);
}

static int get_blocks(struct zus_ii *ii, struct zus_blocks *b, const struct drill_rule *r)
{
	struct drill_sb *d = drill_sb_of(ii->sb);
	int err = memofs_get_blocks(ii, b);

	if (err)
		return err;
	spoil_blocks(r, b);
	/* the answer to a fault has no mappings to drop */
	if (r->does & DRILL_MOVE && !(b->rw & ZUFS_RW_MMAP))
		drill_move_here(d, ii, r->page);
	if (b->n && !is_hole_fault(b))
		b->cookie = drill_contract_open(d, ii, b);
	else
		memofs_contract_end(memofs_inode_of(ii), b->cookie);
	return 0;
}

int drill_get_blocks(struct zus_ii *ii, struct zus_blocks *b)
{
	bool large = (b->rw & ZUFS_RW_MMAP) && zus_blocks_wanted(b) > 1;
	struct drill_sb *d = drill_sb_of(ii->sb);
	struct drill_rule *r;
	int64_t err;

	if (!before(ii, large ? DRILL_LARGE : DRILL_GET, b->io, &r, &err)) {
		pthread_rwlock_rdlock(&d->moving);
		err = get_blocks(ii, b, r);
		pthread_rwlock_unlock(&d->moving);
		if (r->does & DRILL_LINGER)
			hang(d);
	}
	zus_free(ii->sb->env, r);
	return (int)err;
}

void drill_put_blocks(struct zus_ii *ii, const struct zus_blocks *b)
{
	struct drill_rule *r;
	int64_t unused;

	before(ii, DRILL_PUT, NULL, &r, &unused);
	drill_contract_close(drill_sb_of(ii->sb), ii, b);
	zus_free(ii->sb->env, r);
}

int drill_pre_read(struct zus_ii *ii, struct zus_io *io)
{
	struct drill_rule *r;
	int64_t err;

	if (!before(ii, DRILL_PRE_READ, io, &r, &err))
		err = 0;
	zus_free(ii->sb->env, r);
	return (int)err;
}

/* The end of an operation that changes an inode. */
static int done(struct zus_ii *ii, struct drill_rule *r, int64_t err)
{
	if (r && r->does & DRILL_LINGER)
		hang(drill_sb_of(ii->sb));
	zus_free(ii->sb->env, r);
	return (int)err;
}

int drill_truncate(struct zus_ii *ii, struct zus_io *io)
{
	struct drill_sb *d = drill_sb_of(ii->sb);
	struct drill_rule *r;
	int64_t err;

	if (!before(ii, DRILL_TRUNCATE, io, &r, &err)) {
		pthread_rwlock_rdlock(&d->moving);
		err = memofs_truncate(ii, io);
		pthread_rwlock_unlock(&d->moving);
	}
	return done(ii, r, err);
}

int drill_fallocate(struct zus_ii *ii, struct zus_io *io, uint32_t mode)
{
	struct drill_sb *d = drill_sb_of(ii->sb);
	struct drill_rule *r;
	int64_t err;

	if (!before(ii, DRILL_FALLOCATE, io, &r, &err)) {
		pthread_rwlock_rdlock(&d->moving);
		err = memofs_fallocate(ii, io, mode);
		pthread_rwlock_unlock(&d->moving);
	}
	return done(ii, r, err);
}

int drill_clone(const struct zus_clone *c)
{
	struct drill_sb *d = drill_sb_of(c->src->sb);
	struct drill_rule *r;
	int64_t err;

	if (!before(c->src, DRILL_CLONE, NULL, &r, &err)) {
		pthread_rwlock_rdlock(&d->moving);
		err = memofs_clone(c);
		pthread_rwlock_unlock(&d->moving);
	}
	return done(c->src, r, err);
}

int drill_setattr(struct zus_ii *ii, uint32_t bits)
{
	struct drill_rule *r;
	int64_t err;

	(void)bits;
	/* what it is about lies in the shared inode, which is that of the media */
	if (!before(ii, DRILL_SETATTR, NULL, &r, &err))
		err = 0;
	return done(ii, r, err);
}

int drill_add_dentry(struct zus_ii *dir, struct zus_ii *ii, const struct zus_name *name)
{
	struct drill_rule *r;
	int64_t err;

	if (!before(ii, DRILL_LINK, NULL, &r, &err))
		err = memofs_add_dentry(dir, ii, name);
	return done(ii, r, err);
}

int drill_remove_dentry(struct zus_ii *dir, struct zus_ii *ii, const struct zus_name *name)
{
	struct drill_rule *r;
	int64_t err;

	if (!before(ii, DRILL_UNLINK, NULL, &r, &err))
		err = memofs_remove_dentry(dir, ii, name);
	return done(ii, r, err);
}

/* An ioctl of this type is of ours; its number says what it does. */
#define IOC_TYPE	'D'
enum {
	IOC_INVERT	= 1,	/* every byte of the argument */
	IOC_LONG	= 2,	/* the first two bytes say how long it is; inverted, too */
	IOC_FROZEN	= 3,	/* byte 0: whether the file system is frozen, and CAP_ADMIN */
	IOC_GREEDY	= 4,	/* asks for one byte more each time */
	IOC_STRANGE	= 5,	/* asks for what nobody knows */
	IOC_LISTED	= 7,	/* inverts; what the list says of it is in listed[] */
};

/* All other numbers are not listed, as those of a server that keeps no list. */
static const struct zufs_ioctl_info listed[] = {
	{ _IOC(_IOC_READ | _IOC_WRITE, IOC_TYPE, IOC_LONG, 2),
	  ZUFS_IOCTL_GROWS | ZUFS_IOCTL_ANSWERS },
	{ _IOC(_IOC_READ | _IOC_WRITE, IOC_TYPE, IOC_LONG, 3), ZUFS_IOCTL_ANSWERS },
	{ _IOC(_IOC_READ | _IOC_WRITE, IOC_TYPE, IOC_FROZEN, 1), ZUFS_IOCTL_ANSWERS },
	{ _IOC(_IOC_READ | _IOC_WRITE, IOC_TYPE, IOC_LISTED, 8), ZUFS_IOCTL_ANSWERS },
	{ _IOC(_IOC_READ | _IOC_WRITE, IOC_TYPE, IOC_LISTED, 4), 0 },
	{ _IOC(_IOC_WRITE, IOC_TYPE, IOC_LISTED, 8), ZUFS_IOCTL_ANSWERS },
	{ _IOC(_IOC_READ, IOC_TYPE, IOC_LISTED, 8), ZUFS_IOCTL_CHANGES | ZUFS_IOCTL_ANSWERS },
};

int drill_ioctls(struct zus_sb *sb, const struct zufs_ioctl_info **list)
{
	(void)sb;
	*list = listed;
	return sizeof(listed) / sizeof(listed[0]);
}

static int ask_for(struct zus_ioctl *args, uint32_t uflags, uint32_t size)
{
	args->uflags = uflags;
	args->want_size = size;
	return -EZUFS_RETRY;
}

static int invert(struct zus_ioctl *args)
{
	uint8_t *arg = args->arg;
	uint32_t i;

	for (i = 0; i < args->arg_size; i++)
		arg[i] = (uint8_t)~arg[i];
	args->out_size = args->arg_size;
	return 0;
}

static int do_ioctl(struct zus_ioctl *args)
{
	uint8_t *arg = args->arg;
	uint32_t want;

	if (_IOC_TYPE(args->cmd) != IOC_TYPE)
		return -ENOTTY;
	switch (_IOC_NR(args->cmd)) {
	case IOC_INVERT:
	case IOC_LISTED:
		return invert(args);
	case IOC_LONG:
		want = args->arg_size < 2 ? 2 : (uint32_t)(arg[0] | arg[1] << 8);
		return args->arg_size < want ? ask_for(args, ZUFS_IOC_REALLOC, want) :
					       invert(args);
	case IOC_FROZEN:
		if (!(args->kflags & ZUFS_IOC_FSFROZEN))
			return ask_for(args, ZUFS_IOC_FREEZE_REQ, 0);
		arg[0] = (uint8_t)args->kflags;
		args->out_size = 1;
		return 0;
	case IOC_GREEDY:
		return ask_for(args, ZUFS_IOC_REALLOC, args->arg_size + 1);
	case IOC_STRANGE:
		return ask_for(args, 1U << 7, 0);
	default:
		return -ENOTTY;
	}
}

int drill_ioctl(struct zus_ii *ii, struct zus_ioctl *args)
{
	struct drill_rule *r;
	int64_t err;

	if (!before(ii, DRILL_IOCTL, NULL, &r, &err))
		err = do_ioctl(args);
	zus_free(ii->sb->env, r);
	return (int)err;
}

int drill_sync(struct zus_ii *ii, struct zus_sync *s)
{
	struct drill_rule *r;
	int64_t err;

	(void)s;
	if (!before(ii, DRILL_SYNC, NULL, &r, &err))
		err = 0;
	zus_free(ii->sb->env, r);
	return (int)err;
}
