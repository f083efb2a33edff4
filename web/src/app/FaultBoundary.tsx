import { Component, type ReactNode } from 'react'
import { ProblemNote } from '@/parts/Note'
import { asProblem } from '@/parts/View'

/** A page that fails fails alone: navigation stays, and the fault is said. */
export class FaultBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown }
  static getDerivedStateFromError(error: unknown) {
    return { error }
  }
  override render() {
    if (this.state.error === null) return this.props.children
    return (
      <ProblemNote problem={asProblem(this.state.error)}>
        <button type="button" className="button small" onClick={() => this.setState({ error: null })}>
          Try again
        </button>
      </ProblemNote>
    )
  }
}
