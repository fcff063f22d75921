// SPDX-License-Identifier: BSD-2-Clause
/*
 * The fake kernel's life: faults, devices on anonymous memory, mount, inode locks. See
 * zus/zufake.h for use and threads.
 */
#define _GNU_SOURCE
#include "inproc.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- faults and counters ---- */

void fake_fail(struct fake *f, enum fake_fault what, uint64_t n)
{
	__atomic_store_n(&f->hit[what], 0, __ATOMIC_RELAXED);
	__atomic_store_n(&f->countdown[what], n, __ATOMIC_RELAXED);
}

bool fake_fault_hit(struct fake *f, enum fake_fault what)
{
	return __atomic_load_n(&f->hit[what], __ATOMIC_RELAXED);
}

bool fake_strikes(struct fake *f, enum fake_fault what)
{
	uint64_t left = __atomic_load_n(&f->countdown[what], __ATOMIC_RELAXED);

	while (left) {
		if (!__atomic_compare_exchange_n(&f->countdown[what], &left, left - 1, false,
						 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			continue;
		if (left > 1)
			return false;
		__atomic_store_n(&f->hit[what], 1, __ATOMIC_RELAXED);
		return true;
	}
	return false;
}

int64_t fake_devices(struct fake *f)
{
	return __atomic_load_n(&f->devices, __ATOMIC_RELAXED);
}

uint64_t fake_messages(struct fake *f)
{
	return __atomic_load_n(&f->messages, __ATOMIC_RELAXED);
}

uint64_t fake_puts(struct fake *f)
{
	return __atomic_load_n(&f->puts, __ATOMIC_RELAXED);
}

uint64_t fake_gets(struct fake *f)
{
	return __atomic_load_n(&f->gets, __ATOMIC_RELAXED);
}

uint64_t fake_sizes_raised(struct fake *f)
{
	return __atomic_load_n(&f->sizes_raised, __ATOMIC_RELAXED);
}

uint32_t fake_list_flags(struct fake *f)
{
	return __atomic_load_n(&f->list_flags, __ATOMIC_RELAXED);
}

/* ---- devices ---- */

static int grab(void *ctx, uint64_t sb_id, struct zus_md **md)
{
	struct fake *f = ctx;

	if (sb_id != 1)
		return -ENODEV;
	if (fake_strikes(f, FAKE_DEVICE))
		return -EIO;
	__atomic_fetch_add(&f->devices, 1, __ATOMIC_RELAXED);
	*md = &f->md;
	return 0;
}

static void release(void *ctx, struct zus_md *md)
{
	struct fake *f = ctx;

	if (md != &f->md || __atomic_fetch_sub(&f->devices, 1, __ATOMIC_RELAXED) <= 0)
		abort();
}

static void *map_anon(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* A random one of the seed's. */
static void make_uuid(struct fake *f, uint8_t uuid[16])
{
	uint64_t words[2];

	words[0] = fake_random(f);
	words[1] = fake_random(f);
	memcpy(uuid, words, sizeof(words));
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

/* The table that the image has, if it is one of such devices; else -EINVAL. */
static int take_table(struct fake *f, const struct zus_mdt_spec *spec)
{
	struct md_dev_table *mdt = &f->md.mdt;
	unsigned int i;

	memcpy(mdt, f->md.t1, sizeof(*mdt));
	if (zus_mdt_check(mdt, spec->magic, spec->version_major, spec->version_minor, NULL) ||
	    zus_md_t1_count(mdt) != spec->t1_count || zus_md_t2_count(mdt) != spec->t2_count)
		return -EINVAL;
	for (i = 0; i < spec->t1_count + spec->t2_count; i++)
		if (zus_md_dev_blocks(mdt, i) != spec->devs[i].bytes >> ZUS_BLOCK_SHIFT)
			return -EINVAL;
	return 0;
}

static void write_tables(struct fake *f, unsigned int t1_count)
{
	uint64_t bytes = f->t1_bytes / t1_count;
	unsigned int i;

	for (i = 0; i < t1_count; i++) {
		zus_mdt_set_index(&f->md.mdt, i);
		memcpy(f->md.t1 + i * bytes, &f->md.mdt, sizeof(f->md.mdt));
	}
	zus_mdt_set_index(&f->md.mdt, 0);
}

/* Memory of a device: that which is lent, or its own; the image, or zeros. NULL: there is none. */
static uint8_t *make_memory(uint64_t bytes, void *lent, const void *image)
{
	uint8_t *p = lent ? lent : map_anon(bytes);

	if (p && image && p != image)
		memcpy(p, image, bytes);
	else if (lent && !image)
		memset(p, 0, bytes);
	return p;
}

static int make_devices(struct fake *f, const struct zus_plugin *plugin,
			const struct fake_opts *o)
{
	unsigned int i, t1 = o->t1_count ? o->t1_count : 1, t2 = o->t2_bytes ? 1 : 0;
	uint64_t t1_bytes = o->t1_bytes ? o->t1_bytes : 16 << 20;
	struct zus_mdt_dev devs[MD_DEV_MAX];
	struct zus_mdt_spec spec = {
		.magic = plugin->info.FS_magic,
		.version_major = plugin->info.FS_ver_major,
		.version_minor = plugin->info.FS_ver_minor,
		.t1_count = t1,
		.t2_count = t2,
		.devs = devs,
	};
	bool no_table = o->no_table || plugin->info.dt_offset == ~0ULL;
	int err;

	if (t1 > MD_DEV_MAX - 1)
		return -E2BIG;
	if ((no_table && t1 + t2 > 1) || (((uintptr_t)o->t1 | (uintptr_t)o->t2) & 4095))
		return -EINVAL;
	for (i = 0; i < t1 + t2; i++) {
		make_uuid(f, devs[i].uuid);
		devs[i].bytes = i < t1 ? t1_bytes : o->t2_bytes;
	}
	make_uuid(f, spec.uuid);
	if (no_table) {
		memset(devs[0].uuid, 0, sizeof(devs[0].uuid));
		memset(spec.uuid, 0, sizeof(spec.uuid));
	}
	err = zus_mdt_build(&spec, &f->md.mdt);
	if (err)
		return err;
	f->t1_bytes = t1_bytes * t1;
	f->t2_bytes = o->t2_bytes;
	f->t1_is_lent = o->t1;
	f->t2_is_lent = o->t2;
	f->md.t1_blocks = f->t1_bytes >> ZUS_BLOCK_SHIFT;
	f->md.t2_blocks = f->t2_bytes >> ZUS_BLOCK_SHIFT;
	f->md.flags = o->not_synchronous ? 0 : ZUFS_PMEM_SYNC;
	f->md.t1 = make_memory(f->t1_bytes, o->t1, o->t1_image);
	f->t2 = f->t2_bytes ? make_memory(f->t2_bytes, o->t2, o->t2_image) : NULL;
	if (!f->md.t1 || (f->t2_bytes && !f->t2))
		return -ENOMEM;
	if (!no_table && o->t1_image)
		return take_table(f, &spec);
	if (!no_table)
		write_tables(f, t1);
	return 0;
}

int fake_create(struct fake **out, const struct zus_plugin *plugin,
		const struct fake_opts *opts)
{
	static const struct fake_opts defaults;
	struct fake *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	opts = opts ? opts : &defaults;
	fake_env_init(f, opts->seed);
	pthread_mutex_init(&f->lock, NULL);
	fake_persist_init(f);
	fake_lists_init(f);
	for (unsigned int i = 0; i < FAKE_LOCKS; i++)
		pthread_rwlock_init(&f->inode_lock[i], NULL);
	err = make_devices(f, plugin, opts);
	if (!err)
		err = zus_type_create(plugin, &f->env, &f->type);
	if (err) {
		fake_destroy(f);
		return err;
	}
	*out = f;
	return 0;
}

void fake_destroy(struct fake *f)
{
	if (f->mounted)
		fake_umount(f);
	fake_lists_fini(f);
	fake_persist_fini(f);
	fake_env_fini(f);
	zus_type_destroy(f->type);
	if (f->md.t1 && !f->t1_is_lent)
		munmap(f->md.t1, f->t1_bytes);
	if (f->t2 && !f->t2_is_lent)
		munmap(f->t2, f->t2_bytes);
	for (unsigned int i = 0; i < FAKE_LOCKS; i++)
		pthread_rwlock_destroy(&f->inode_lock[i]);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* ---- mount ---- */

/* Sends a mount-thread message; f->zmi holds its in and out fields. */
static int send_mount(struct fake *f, unsigned int operation, const char *options)
{
	const struct zus_host host = { .ctx = f, .grab = grab, .release = release };
	size_t len = options ? strlen(options) + 1 : 0;
	struct zufs_ioc_mount *msg;
	size_t size = sizeof(*msg) + len;
	int err;

	if (fake_strikes(f, FAKE_MESSAGE))
		return -EIO;
	msg = calloc(1, size);
	if (!msg)
		return -ENOMEM;
	f->zmi.po.mount_options_len = (uint32_t)len;
	msg->hdr.operation = (uint16_t)operation;
	msg->hdr.in_len = (uint16_t)size;
	msg->hdr.out_len = sizeof(*msg);
	msg->zmi = f->zmi;
	if (options)
		memcpy(ZUFS_TAIL(msg, zmi.po.mount_options), options, len);
	zus_dispatch_mount(&host, msg, size);
	err = msg->hdr.err;
	if (!err)
		f->zmi = msg->zmi;
	free(msg);
	return err;
}

int fake_mount_flags(struct fake *f, const char *options, uint64_t flags)
{
	int err;

	memset(&f->zmi, 0, sizeof(f->zmi));
	f->zmi.zus_zfi = (uint64_t)(uintptr_t)f->type;
	f->zmi.sb_id = 1;
	f->zmi.num_cpu = 8;
	f->zmi.num_channels = 3;
	f->zmi.po.mount_flags = flags;
	err = send_mount(f, ZUFS_M_MOUNT, options);
	f->mounted = !err;
	return err;
}

int fake_mount(struct fake *f, const char *options)
{
	return fake_mount_flags(f, options, 0);
}

int fake_remount(struct fake *f, const char *options, uint64_t remount_flags)
{
	f->zmi.remount_flags = remount_flags;
	return send_mount(f, ZUFS_M_REMOUNT, options);
}

int fake_umount_dirty(struct fake *f)
{
	int err;

	fake_lists_drain(f);
	err = send_mount(f, ZUFS_M_UMOUNT, NULL);
	if (!err)
		f->mounted = false;
	return err;
}

int fake_umount(struct fake *f)
{
	struct fake_thread *t = fake_thread_create(f, 0);
	int err;

	if (!t)
		return -ENOMEM;
	err = fake_forget(t, fake_root(f));
	fake_thread_destroy(t);
	return err ? err : fake_umount_dirty(f);
}

/* What callers would still send is of inodes that are no more. */
static void forget_puts(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	for (struct fake_thread *t = f->threads; t; t = t->next) {
		pthread_mutex_lock(&t->put_lock);
		t->n_pending = 0;
		t->has_get = false;
		pthread_mutex_unlock(&t->put_lock);
	}
	pthread_mutex_unlock(&f->lock);
}

void fake_server_die(struct fake *f)
{
	if (!f->mounted)
		return;
	fake_set_dead(f, true);
	/* the kernel ends the lists that it has */
	fake_lists_finish(f);
	forget_puts(f);
	fake_env_clear(f);
	zus_type_forget(f->type);
	f->devices = 0;
	f->mounted = false;
	fake_set_dead(f, false);
}

unsigned int fake_server_stop(struct fake *f)
{
	return zus_type_stop(f->type);
}

struct fake_node fake_root(const struct fake *f)
{
	struct fake_node root = { f->zmi.zus_ii, zus_t1_ptr(&f->md, f->zmi._zi) };

	return root;
}

const struct zufs_mount_info *fake_mount_info(const struct fake *f)
{
	return &f->zmi;
}

const struct zus_md *fake_md(const struct fake *f)
{
	return &f->md;
}

struct zus_sb *fake_sb(const struct fake *f)
{
	return (struct zus_sb *)(uintptr_t)f->zmi.zus_sbi;
}

/* ---- inode locks ---- */

static unsigned int lock_slot(struct fake_node node)
{
	return (unsigned int)(((uintptr_t)node.zi >> 7) * 2654435761U % FAKE_LOCKS);
}

void fake_lock_shared(struct fake *f, struct fake_node node, struct fake_lock *l)
{
	l->n = 1;
	l->slot[0] = lock_slot(node);
	pthread_rwlock_rdlock(&f->inode_lock[l->slot[0]]);
}

void fake_lock_excl(struct fake *f, const struct fake_node *nodes, unsigned int n,
		    struct fake_lock *l)
{
	unsigned int i, j, k;

	l->n = 0;
	for (i = 0; i < n; i++) {
		unsigned int slot = lock_slot(nodes[i]);

		if (!nodes[i].zi)
			continue;
		/* an ordered insert without doubles: two inodes may share a slot */
		for (j = 0; j < l->n && l->slot[j] < slot; j++)
			;
		if (j < l->n && l->slot[j] == slot)
			continue;
		for (k = l->n++; k > j; k--)
			l->slot[k] = l->slot[k - 1];
		l->slot[j] = slot;
	}
	for (i = 0; i < l->n; i++)
		pthread_rwlock_wrlock(&f->inode_lock[l->slot[i]]);
}

void fake_unlock(struct fake *f, struct fake_lock *l)
{
	while (l->n)
		pthread_rwlock_unlock(&f->inode_lock[l->slot[--l->n]]);
}
