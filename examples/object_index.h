// ObjectIndex: what a store's directory holds, known without asking the disk.
//
// The directory is the truth and this its shadow: after every change the name is looked up again,
// under the lock. Whoever looks last has seen every rename before it, so index and directory agree
// whenever no change is under way, in whichever order concurrent changes reach the disk.
//
// A change may depend on what is stored (If-Match, If-None-Match). Such a one goes alone: while it
// is between its judgement and its end, no other change of the same key may begin, nor it during
// one.
//
// Ownership:    A Change is gone before its index.
// Errors:       The store goes on where attributes are not supported: hashes are then computed
//               again at the next start.
// Threading:    Any thread, but load(), which blocks and comes first.

#pragma once

#include "sluice/runtime/error.h"
#include "sluice/runtime/file.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::examples {

struct Object {
    std::uint64_t octets = 0;
    std::uint64_t inode = 0;
    std::int64_t modified_unix_seconds = 0;
    std::string etag;  // The SHA-256 in quotes.
};

class ObjectIndex {
public:
    class Change;

    // Whether a change may go on, given what is stored. Null: nothing is.
    using Condition = std::function<bool(const Object* stored)>;

    explicit ObjectIndex(std::string directory) : directory_(std::move(directory)) {}
    ObjectIndex(ObjectIndex&&) = delete;
    ~ObjectIndex();

    // Creates the directory if need be, and reads it. Files without a hash are hashed; what a
    // killed process left of a replacement is removed, unless another index has the directory: it
    // might be a replacement under way there.
    [[nodiscard]] Result<void> load();

    [[nodiscard]] std::optional<Object> find(const std::string& key) const;

    // Up to `count` objects whose keys begin with `prefix` and come after `after`, in order.
    [[nodiscard]] std::vector<std::pair<std::string, Object>> list(const std::string& prefix,
                                                                   const std::string& after,
                                                                   std::size_t count) const;

    [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
    [[nodiscard]] std::string path_of(std::string_view key) const;

    // Writes the hash beside the content, and yields what the file then is. Not being able to is no
    // failure. At once: it is the hook of an AtomicFile.
    static Object attach(File& file, const std::string& etag);

    // What an open file is; without an etag if none is attached.
    [[nodiscard]] static Object describe(const File& file, const FileStatus& status);

private:
    struct Changes {
        int under_way = 0;
        bool exclusive = false;
    };

    [[nodiscard]] const Object* look_up(const std::string& key) const;
    void look_again(const std::string& key, const Object* written);

    [[nodiscard]] Result<bool> take_directory();

    std::string directory_;
    int lock_fd_ = -1;          // The directory, locked with all that have it.
    mutable std::mutex mutex_;  // Of what follows.
    std::map<std::string, Object> objects_;
    std::map<std::string, Changes> changes_;
};

// One change of one key, from its judgement until the index knows what became of it.
class ObjectIndex::Change {
public:
    enum class Start : std::uint8_t {
        begun,
        refused,  // The condition does not hold.
        busy,     // Another change of this key is under way, and one of the two is conditional.
    };

    Change(ObjectIndex& index, std::string key) : index_(index), key_(std::move(key)) {}
    Change(Change&&) = delete;
    ~Change() { end(); }

    // Without a condition it is always right to go on.
    [[nodiscard]] Start begin(const Condition& condition);

    // What the directory is about to hold under the key.
    void writes(Object object) { written_ = std::move(object); }

    // Whether there was something under the key when it began.
    [[nodiscard]] bool replaced() const noexcept { return replaced_; }

    // Looks what the directory holds now. Idempotent; nothing where nothing had begun.
    void end();

private:
    ObjectIndex& index_;
    std::string key_;
    std::optional<Object> written_;
    bool begun_ = false;
    bool replaced_ = false;
};

}  // namespace sluice::examples
