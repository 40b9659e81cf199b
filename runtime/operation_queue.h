// OperationQueue: a first-in first-out list of operations. Neither allocates nor owns.

#pragma once

#include "sluice/runtime/operation.h"

namespace sluice {

class OperationQueue {
public:
    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }

    void push(Operation& operation) noexcept {
        operation.next = nullptr;
        *(empty() ? &head_ : &tail_->next) = &operation;
        tail_ = &operation;
    }

    // Null when empty.
    [[nodiscard]] Operation* pop() noexcept {
        Operation* const first = head_;
        if (first != nullptr) {
            head_ = first->next;
            first->next = nullptr;
        }
        return first;
    }

    // Takes `operation` out, from wherever it is. False: it is not here.
    bool remove(Operation& operation) noexcept {
        Operation* previous = nullptr;
        for (Operation* each = head_; each != nullptr; previous = each, each = each->next) {
            if (each == &operation) {
                (previous == nullptr ? head_ : previous->next) = operation.next;
                if (tail_ == &operation) {
                    tail_ = previous;
                }
                operation.next = nullptr;
                return true;
            }
        }
        return false;
    }

private:
    Operation* head_ = nullptr;
    Operation* tail_ = nullptr;  // Meaningful only while head_ is not null.
};

}  // namespace sluice
