#include "sluice/tls/context_error.h"

#include <utility>

namespace sluice::tls {

std::string ContextError::description() const {
    switch (kind) {
        case Kind::unreadable: return file + " cannot be opened: " + reason;
        case Kind::malformed: return file + " is not what it should be: " + reason;
        case Kind::mismatched: return file + " does not match: " + reason;
        case Kind::refused: return file + " is refused: " + reason;
        case Kind::incomplete: return reason;
    }
    std::unreachable();
}

}  // namespace sluice::tls
