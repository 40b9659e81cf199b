// client.h: the monorepo's own, of the same name as one of Sluice's.

#pragma once

namespace consumer {

inline constexpr int own_client = 1;

}  // namespace consumer
