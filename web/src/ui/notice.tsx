import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.tsx';

type NoticeProps = {
  title: string;
  text?: ComponentChildren;
  icon?: IconName;
  /** An error is announced at once. */
  isError?: boolean;
  children?: ComponentChildren;
};

/** What a page says where it has nothing to show. */
export function Notice({ title, text, icon, isError = false, children }: NoticeProps) {
  return (
    <section class="notice" role={isError ? 'alert' : undefined} data-testid="notice">
      {icon !== undefined && <Icon name={icon} />}
      <h1>{title}</h1>
      {text !== undefined && <p>{text}</p>}
      {children}
    </section>
  );
}
