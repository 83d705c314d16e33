/* Reads every byte and every item that a pdu gives out, so that a sanitizer sees a view or a list that reaches too
 * far. */
#ifndef TOUCH_H
#define TOUCH_H

#include <string.h>

#include "pdu.h"
#include "touch_smb1.h"
#include "touch_view.h"

static inline void touch_u16s(struct u16_list list) {
    touch_list(list.items, list.count, sizeof *list.items);
}

static inline void touch_negotiate_contexts(const struct smb2_negotiate_contexts *c) {
    touch_u16s(c->hash_algorithms);
    touch_u16s(c->ciphers);
    touch_u16s(c->compression_algorithms);
    touch_u16s(c->rdma_transforms);
    touch_u16s(c->signing_algorithms);
    touch_text(c->netname);
}

static inline void touch_create_contexts(const struct smb2_create_contexts *c) {
    for (unsigned i = 0; i < c->count; i++) {
        touch_view(c->items[i].name);
        touch_view(c->items[i].data);
    }
}

static inline void touch_ioctl(const struct smb2_ioctl *m, bool response) {
    touch_view(m->input);
    touch_view(m->output);
    if (!m->has_details) {
        return;
    }
    switch (m->ctl_code) {
    case FSCTL_SRV_COPYCHUNK:
    case FSCTL_SRV_COPYCHUNK_WRITE:
        touch_view(response ? (struct view){NULL, 0} : m->copychunk.source_key);
        break;
    case FSCTL_SRV_REQUEST_RESUME_KEY:
        touch_view(m->resume_key.key);
        break;
    case FSCTL_VALIDATE_NEGOTIATE_INFO:
        touch_u16s(m->validate_negotiate.dialects);
        break;
    case FSCTL_DFS_GET_REFERRALS:
    case FSCTL_DFS_GET_REFERRALS_EX:
        touch_text(m->dfs.path);
        break;
    case FSCTL_QUERY_NETWORK_INTERFACE_INFO:
        touch_list(m->interfaces.items, m->interfaces.count, sizeof *m->interfaces.items);
        break;
    case FSCTL_SET_REPARSE_POINT:
    case FSCTL_GET_REPARSE_POINT:
        touch_text(m->reparse.substitute_name);
        touch_text(m->reparse.print_name);
        break;
    case FSCTL_PIPE_WAIT:
        touch_text(m->pipe_wait.name);
        break;
    default:
        break;
    }
}

static inline void touch_smb2_request(const struct smb2_message *m) {
    switch (m->header.command) {
    case SMB2_NEGOTIATE:
        touch_u16s(m->negotiate_request.dialects);
        touch_negotiate_contexts(&m->negotiate_request.contexts);
        break;
    case SMB2_SESSION_SETUP:
        touch_view(m->session_setup_request.token);
        break;
    case SMB2_TREE_CONNECT:
        touch_text(m->tree_connect_request.path);
        break;
    case SMB2_CREATE:
        touch_text(m->create_request.name);
        touch_create_contexts(&m->create_request.contexts);
        break;
    case SMB2_LOCK:
        touch_list(m->lock_request.locks, m->lock_request.lock_count, sizeof *m->lock_request.locks);
        break;
    case SMB2_IOCTL:
        touch_ioctl(&m->ioctl, false);
        break;
    case SMB2_QUERY_DIRECTORY:
        touch_text(m->query_directory_request.pattern);
        break;
    case SMB2_QUERY_INFO:
        touch_view(m->query_info_request.input);
        break;
    case SMB2_SET_INFO:
        touch_view(m->set_info_request.buffer);
        touch_text(m->set_info_request.new_name);
        break;
    default:
        break;
    }
}

static inline void touch_smb2_response(const struct smb2_message *m) {
    switch (m->header.command) {
    case SMB2_NEGOTIATE:
        touch_view(m->negotiate_response.token);
        touch_negotiate_contexts(&m->negotiate_response.contexts);
        break;
    case SMB2_SESSION_SETUP:
        touch_view(m->session_setup_response.token);
        break;
    case SMB2_CREATE:
        touch_create_contexts(&m->create_response.contexts);
        break;
    case SMB2_IOCTL:
        touch_ioctl(&m->ioctl, true);
        break;
    case SMB2_QUERY_DIRECTORY:
        touch_view(m->query_directory_response.buffer);
        break;
    case SMB2_CHANGE_NOTIFY:
        touch_view(m->change_notify_response.buffer);
        break;
    case SMB2_QUERY_INFO:
        touch_view(m->query_info_response.buffer);
        break;
    default:
        break;
    }
}

static inline void touch_smb2(const struct smb2_message *m) {
    if (m->empty) {
        return;
    }
    if (m->is_error) {
        touch_view(m->error.data);
        touch_text(m->error.substitute_name);
        touch_text(m->error.print_name);
        touch_text(m->error.redirect_resource);
    } else if (m->response) {
        touch_smb2_response(m);
    } else {
        touch_smb2_request(m);
    }
}

static inline void touch_ntlm(const struct ntlm_message *n) {
    const struct ntlm_target_info *info = &n->target_info;
    touch_text(n->domain);
    touch_text(n->user);
    touch_text(n->workstation);
    touch_text(n->target_name);
    touch_text(info->netbios_computer);
    touch_text(info->netbios_domain);
    touch_text(info->dns_computer);
    touch_text(info->dns_domain);
    touch_text(info->dns_tree);
    touch_text(info->target_name);
}

static inline void touch_pdu(const struct pdu *p) {
    switch (p->kind) {
    case PDU_SMB1:
        touch_smb1(&p->smb1);
        break;
    case PDU_SMB2:
        touch_smb2(&p->smb2);
        break;
    case PDU_NTLM:
        touch_ntlm(&p->ntlm);
        break;
    case PDU_SPNEGO:
        for (unsigned i = 0; i < p->spnego.mechanism_count; i++) {
            touch_text(p->spnego.mechanisms[i]);
        }
        touch_text(p->spnego.hint);
        break;
    case PDU_KERBEROS:
        touch_text(p->kerberos.realm);
        touch_text(p->kerberos.service);
        touch_text(p->kerberos.error_text);
        break;
    case PDU_SMB2_TRANSFORM:
    case PDU_SMB2_COMPRESSION:
        break; /* numbers alone */
    }
}

#endif
