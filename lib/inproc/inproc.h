/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of libzufake share: the mounted file system, a caller's channel, locks. Not
 * installed; tests include zus/zufake.h, those of this project tests/fake/fake.h, which has
 * the raw messages too. Locking: see the fields.
 */
#ifndef LIB_INPROC_H
#define LIB_INPROC_H

#include <pthread.h>
#include <zus/zufake.h>

#define FAKE_CMD_SIZE	(64U * 1024)
#define FAKE_PUT_MAX	6		/* puts that wait in one thread */
#define FAKE_LOCKS	256

/* A PUT_MULTY that waits: the message as it will be sent. */
struct fake_pending {
	uint64_t ii;
	uint32_t len;
	_Alignas(8) uint8_t msg[sizeof(struct zufs_ioc_IO) + ZUS_API_MAP_MAX_PAGES * 8];
};

struct fake_thread {
	struct fake *f;
	struct fake_thread *next;	/* under f->lock */
	struct zus_cmd cmd;
	bool interrupted;
	unsigned int number;		/* zus_thread_number() in its operations */
	struct zufs_ioc_IO last_get;	/* of fake_get, for fake_put */
	bool has_get;
	pthread_mutex_t put_lock;	/* guards the two below: goosing takes them away */
	unsigned int n_pending;
	struct fake_pending pending[FAKE_PUT_MAX];
	uint64_t get_words[ZUS_API_MAP_MAX_PAGES];
};

/* What the plugin has and has not given back; env.c. */
struct fake_owned {
	pthread_mutex_t lock;		/* guards all of it */
	uintptr_t *blocks;		/* hash table with linear probing, 0 = free */
	size_t size, nr;		/* of its places, of those in use */
	struct fake_background *background;
	unsigned int nr_background;
};

struct fake_list;

/* Lists that nobody waits for; under @lock. */
struct fake_lists {
	pthread_mutex_t lock;
	pthread_cond_t event;		/* anything has changed */
	pthread_t thread;
	bool running, stop, hold;
	struct fake_list *first, *last;
	uint64_t begun, told;		/* how many, ever */
};

/* What reached the persistence domain; persist.c. */
struct fake_watch {
	uint64_t calls[FAKE_PERSISTS];	/* atomic */
	pthread_mutex_t lock;		/* guards the rest */
	uint8_t *durable;		/* of T1's size: what a crash leaves; NULL = not watched */
	uint8_t *staged;		/* what was flushed or streamed, until a fence */
	struct fake_range *ranges;	/* of `staged` */
	size_t nr_ranges, max_ranges;
	size_t bad_start, bad_end;	/* of poisoned memory; the end is 0: there is none */
	bool is_dead;			/* the plugin stores nothing any more */
};

/* The log of record.c; under the lock of struct fake_watch. */
struct fake_record {
	bool on;
	struct fake_event *events;
	size_t nr, max;
	struct fake_chunk *first, *chunk;	/* bytes of events; that in use, up to `used` */
	size_t used;
};

struct fake {
	struct zus_env env;		/* ctx = this */
	struct zus_type *type;
	struct zus_md md;
	uint8_t *t2;
	size_t t1_bytes, t2_bytes;
	bool t1_is_lent, t2_is_lent;	/* the memory is the test's */
	struct zufs_mount_info zmi;
	bool mounted;
	pthread_mutex_t lock;		/* guards threads */
	struct fake_thread *threads;
	pthread_rwlock_t inode_lock[FAKE_LOCKS];	/* by address of the shared inode */
	/* atomics */
	uint64_t countdown[FAKE_FAULTS];
	uint32_t hit[FAKE_FAULTS];
	uint32_t list_flags;
	int64_t devices;
	uint64_t random;		/* state of the generator */
	bool own_clock;			/* the two below, not the kernel's */
	int64_t clock, clock_step;
	struct fake_lists lists;
	uint64_t messages, puts, gets, sizes_raised;
	struct fake_owned owned;
	struct fake_watch watch;
	struct fake_record record;
};

/*
 * chan.c: a message in the thread's buffer, `len` bytes zeroed, with its header filled; out_len is
 * set by the caller. `len` bytes of the window that end where it ends; hdr.offset and hdr.len are
 * set. Sends it: retries are served.
 */
void *fake_msg(struct fake_thread *t, unsigned int operation, size_t len);
void *fake_window(struct fake_thread *t, size_t len);
/* fake_put of a contract of which only so many bytes were copied. */
int fake_put_copied(struct fake_thread *t, uint64_t copied);
int fake_send(struct fake_thread *t);

/* True if this very access shall fail. */
bool fake_strikes(struct fake *f, enum fake_fault what);

/* Executes an iomap list as the kernel would: 0 or -errno; flags: ZUFS_IOM_EXEC_*. */
int fake_iomap_run(struct fake *f, const uint64_t *words, uint32_t n);
int fake_iomap_run_flags(struct fake *f, const uint64_t *words, uint32_t n, uint32_t flags);
/* Only checks it. */
int fake_iomap_check(const struct fake *f, const uint64_t *words, uint32_t n);

/* env.c: the environment but for persistence; a step of its random generator. */
void fake_env_init(struct fake *f, uint64_t seed);
void fake_env_fini(struct fake *f);
/* Ends the background threads and frees all that the plugin has. */
void fake_env_clear(struct fake *f);
uint64_t fake_random(struct fake *f);

/* persist.c: the entries of the environment, and their state. */
void fake_persist_init(struct fake *f);
void fake_persist_fini(struct fake *f);
/* While it is dead the plugin's stores are none. */
void fake_set_dead(struct fake *f, bool is_dead);
bool fake_is_dead(struct fake *f);
/* What the kernel stores to T1 for a caller, past the caches, and the fence at its end. */
void fake_kernel_copy(struct fake *f, unsigned int thread, void *dst, const void *src,
		      size_t bytes);
void fake_kernel_fence(struct fake *f, unsigned int thread);
/* What a T2 device stores, with the offset that the event has; src NULL: zeros. */
void fake_device_copy(struct fake *f, enum fake_event_kind kind, uint64_t offset, void *dst,
		      const void *src, size_t bytes);

void fake_device_flush(struct fake *f);

/* record.c: appends an event while it is on; with the lock of struct fake_watch. */
void fake_record_event(struct fake *f, struct fake_event event);
void fake_record_fini(struct fake *f);

/* lists.c */
void fake_lists_init(struct fake *f);
void fake_lists_fini(struct fake *f);
int fake_list_start(struct fake *f, const struct zus_sb *sb, const uint64_t *words, uint32_t n,
		    uint32_t flags, uint64_t cookie);
/* What the kernel does before M_UMOUNT. */
void fake_lists_drain(struct fake *f);
/* The same, also of lists that are held. */
void fake_lists_finish(struct fake *f);

/* Inode locks: shared or exclusive on up to four inodes (NULLs allowed), in a safe order. */
struct fake_lock {
	unsigned int slot[4];
	unsigned int n;
};

void fake_lock_shared(struct fake *f, struct fake_node node, struct fake_lock *l);
void fake_lock_excl(struct fake *f, const struct fake_node *nodes, unsigned int n,
		    struct fake_lock *l);
void fake_unlock(struct fake *f, struct fake_lock *l);

#endif /* LIB_INPROC_H */
