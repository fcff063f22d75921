/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * contract.h - GET_MULTY and its PUT_MULTY: blocks that the server keeps in place
 *
 * Every GET that succeeds is followed by exactly one put with the same words,
 * whatever was done with the blocks meanwhile. direct.c copies between the two,
 * mmap.c makes page table entries.
 */
#ifndef ZUF_CONTRACT_H
#define ZUF_CONTRACT_H

#include "chan.h"
#include "dispatch.h"
#include "sb.h"

/*
 * struct zuf_contract - one of them, on the stack
 * @io: the message, with room for @pages words behind it (zufs_io_size())
 * @words: where they are
 * @op: of the GET; then op.zc is the CPU that it went through
 * @kept: the put must go through @claim (ZUFS_RET_LOCKED_PUT)
 */
struct zuf_contract {
	struct zuf_sb *zsb;
	struct inode *inode;
	struct zufs_ioc_IO *io;
	u64 *words;
	u32 pages;
	struct zuf_op op;
	struct zuf_claim claim;
	bool kept;
};

/**
 * zuf_contract_get() - send GET_MULTY for @len bytes from io->filepos on
 * @op_flags: ZUF_OPF_*
 * What else of *@c->io is to be sent (rw, ra) has been set by the caller.
 * Return: 0: a put is due; or -errno.
 */
int zuf_contract_get(struct zuf_contract *c, size_t len, u32 op_flags);

/* How many bytes the answer is good for, or -EIO; the contract holds anyway. */
ssize_t zuf_contract_bytes(struct zuf_contract *c, size_t len);

/**
 * zuf_contract_put() - the end of it: at once if the server asks for that, else
 * with the next operation of the CPU
 * @at_once: even if it does not
 * Return: 0: the server has executed it, or will; or -errno: it was to be at once, and may never
 * be.
 */
int zuf_contract_put(struct zuf_contract *c, bool at_once);

#endif
